"""docs/rules.md is what the rules say of themselves."""

import re
from pathlib import Path

from engine.plan import importers, syntax
from engine.plan.rules import MODULES, PARSER_WARNINGS, RULE_IDS, id_of
from engine.plan.rules.documentation import entry_of, page
from tests.cases import cases

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"
NO_RULES = ("__init__", "documentation", "facts", "inert_slices")


def test_the_page_is_what_the_rules_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python docs/write_rules.py"


@cases("module", MODULES, ids=RULE_IDS)
def test_a_rule_says_what_why_from_where_and_what_to_do(module) -> None:
    entry = entry_of(module)
    assert entry.rule == id_of(module)
    assert entry.parts["Severity"].split(";")[0].split(" ")[0] in ("error", "warning", "note")
    assert all(entry.parts.values())


def test_every_file_of_the_room_is_a_rule_that_is_asked() -> None:
    files = {file.stem for file in Path(MODULES[0].__file__).parent.glob("*.py")}
    assert files - set(NO_RULES) == {rule.replace("-", "_") for rule in RULE_IDS}


@cases("module", MODULES, ids=RULE_IDS)
def test_a_rule_gives_problems_under_its_own_id(module) -> None:
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert set(re.findall(r'Problem\(\s*"([a-z-]+)"', source)) == {id_of(module)}


def test_every_warning_of_the_parser_can_be_switched_off() -> None:
    files = [file for room in (syntax, importers) for file in Path(room.__file__).parent.glob("*.py")]
    sources = [file.read_text(encoding="utf-8") for file in files]
    warned = {rule for source in sources for rule in re.findall(r'\.(?:warning|note)\(\s*"([a-z-]+)"', source)}
    assert warned <= {*PARSER_WARNINGS, *RULE_IDS}
