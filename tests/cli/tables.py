"""Tables of cases in one test: every case runs, and all failures are reported together with their names."""

from collections.abc import Iterator
from contextlib import contextmanager


class Cases:
    """Failures of the cases that have run."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        self.count = 0

    @contextmanager
    def case(self, *name: object) -> Iterator[None]:
        """Run one case; its exception is kept until the end of the table."""
        self.count += 1
        try:
            yield
        except Exception as failure:
            self.failures[" ".join(map(str, name))] = f"{type(failure).__name__}: {failure}"


@contextmanager
def cases() -> Iterator[Cases]:
    """Collect the failures of a table; an empty table fails as well."""
    table = Cases()
    yield table
    assert table.count, "no case"
    report = "\n".join(f"{name}: {failure}" for name, failure in table.failures.items())
    assert not table.failures, f"{len(table.failures)} of {table.count} cases failed\n{report}"
