import pytest

from engine.errors import MachineError
from engine.inference.wavefront.budget import chunks


@pytest.mark.parametrize(
    ("needed", "room", "expected"),
    [
        ([3, 3, 3], 9, [range(3)]),
        ([3, 3, 3], 8, [range(2), range(2, 3)]),
        ([5, 1, 5, 1], 6, [range(2), range(2, 4)]),
        ([4], 4, [range(1)]),
    ],
)
def test_the_text_is_cut_into_as_few_runs_as_fit(needed: list[int], room: int, expected: list[range]) -> None:
    assert chunks(needed, room) == expected


def test_a_batch_that_does_not_fit_alone_is_refused_with_the_figures() -> None:
    with pytest.raises(MachineError, match=r"its states need 5.00 GB, and next to the weights 4.00 GB are left"):
        chunks([3_000_000_000, 5_000_000_000], 4_000_000_000)
    with pytest.raises(MachineError, match="nothing is left for them"):
        chunks([1], -1)


def test_the_error_states_how_much_more_memory_suffices() -> None:
    needed, room = [450_000_000, 800_000_001], 500_000_000
    with pytest.raises(MachineError) as refused:
        chunks(needed, room)
    assert "Give 302 MB more" in refused.value.fix
    assert chunks(needed, room + 310_000_000) == [range(1), range(1, 2)]
