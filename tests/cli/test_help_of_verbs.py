"""Help of every verb: an example that parses, complete summaries, and suggestions for misspelt names."""

import json
import shlex
from pathlib import Path

import pytest

from dlec_tui.cli.examples import EXAMPLES
from tests.cli.tables import cases
from tests.cli.test_documentation import parsed
from tests.cli.verbs import VERBS, run


def test_the_help_of_every_verb_has_an_example_that_parses(directory: Path) -> None:
    for file in ("plan.yaml", "a.yaml", "b.yaml"):
        Path(file).touch()
    for name in ("checkpoints", "SmolLM2-152M", "node1", "node2"):
        (directory / name).mkdir()
    with cases() as table:
        for name, verb in VERBS.items():
            with table.case(name):
                words = shlex.split(EXAMPLES[name])
                assert " ".join(words).startswith(name)
                assert parsed(verb, words[len(name.split()) :])
                assert EXAMPLES[name] in run(*name.split()[1:], "--help").stdout


def test_the_summaries_of_the_verbs_are_not_cut() -> None:
    for words in ((), ("plan",), ("plan", "new"), ("sweep",), ("jobs",), ("store",)):
        assert "..." not in run(*words, "--help").stdout.partition("Commands:")[2].partition("Exit codes")[0]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["modles"], "Did you mean dlec models?"),
        (["plan", "chek", "x"], "Did you mean dlec plan check?"),
        (["check", "x"], "Did you mean dlec plan check?"),
        (["jobs", "lst"], "Did you mean dlec jobs list?"),
        (["plan", "new", "repaet"], "Did you mean dlec plan new repeat?"),
    ],
)
def test_the_error_for_a_misspelt_verb_suggests_the_right_one(words: list[str], meant: str) -> None:
    result = run(*words, "--json")
    assert result.exit_code == 2
    assert meant in result.stderr
    assert meant in json.loads(result.stdout)["error"]["what"]
