"""Promises of every verb of the command line: failures, options, paths, the store, help."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dlec_tui.cli.examples import EXAMPLES
from dlec_tui.cli.exit_codes import UNEXPECTED
from dlec_tui.cli.main import dlec as command
from dlec_tui.cli.options import ExpandedPath, Number, RelatedOption, WholeNumber
from tests.cli.test_documentation import parsed


def verbs(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield every command except groups, with its full name."""
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        if isinstance(verb, click.Group):
            yield from verbs(verb, click.Context(verb, context, info_name=name))
        elif verb is not None:
            yield f"{context.command_path} {name}", verb


VERBS = dict(verbs(command, click.Context(command, info_name="dlec")))
NEEDS = [
    pytest.param(name, option, id=f"{name} {option.opts[-1]}")
    for name, verb in VERBS.items()
    for option in verb.params
    if isinstance(option, RelatedOption) and option.needs
]
RELATIONS = [
    pytest.param(name, option, other, id=f"{name} {option.opts[-1]} {other}")
    for name, verb in VERBS.items()
    for option in verb.params
    if isinstance(option, RelatedOption)
    for other in option.excludes
    if any(other in each.opts for each in verb.params)
]


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


def words_for(option: click.Parameter) -> list[str]:
    """An option with a value that its type takes."""
    if isinstance(option, click.Option) and option.is_flag:
        return [option.opts[0]]
    kind = option.type
    if isinstance(kind, click.Choice):
        return [option.opts[0], str(kind.choices[0])]
    if isinstance(kind, click.types.FloatParamType) and not isinstance(kind, click.IntRange):
        return [option.opts[0], "0.5"]
    return [option.opts[0], "1"]


def least_words(name: str, verb: click.Command) -> list[str]:
    """The verb with what it requires, as its example gives it."""
    words = shlex.split(EXAMPLES[name])[1:]
    return words[: len(name.split()) - 1] + [
        value
        for parameter in verb.params
        if parameter.required
        for value in ([] if isinstance(parameter, click.Argument) else words_for(parameter))
    ]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory with a store's home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "store"))
    Path("store").mkdir()
    return tmp_path


def breaking(verb: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verb end in an exception of a kind that dlec does not know, whatever it is given."""

    def broken(_ctx: click.Context) -> None:
        raise ZeroDivisionError("foreign\x1b[2J")

    def as_it_is(ctx: click.Context, _args: list[str]) -> list[str]:
        ctx.params = {}
        return []

    monkeypatch.setattr(verb, "parse_args", as_it_is)
    monkeypatch.setattr(verb, "invoke", broken)


@pytest.mark.parametrize("name", [name for name in VERBS if "plan new" not in name or "dlec" in name.split()[-1]])
@pytest.mark.parametrize("json_words", [(), ("--json",)], ids=["text", "json"])
def test_an_unexpected_exception_is_one_line_a_file_and_a_code(place, monkeypatch, name, json_words) -> None:
    breaking(VERBS[name], monkeypatch)
    result = run(*name.split()[1:], *json_words)
    [file] = place.rglob("crash-*.log")
    assert result.exit_code == UNEXPECTED
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: unexpected error: ZeroDivisionError: foreign\\x1b[2J")
    assert str(file) in result.stderr
    assert "in broken" in file.read_text()
    if not json_words:
        assert result.stdout == ""
        return
    error = json.loads(result.stdout)["error"]
    assert (error["kind"], error["exit_code"], error["traceback"]) == ("UnexpectedError", UNEXPECTED, str(file))
    assert {"what", "why", "fix"} < error.keys()


@pytest.mark.parametrize("home", ["mine", "away"])
def test_the_traceback_lies_in_a_home_that_exists_else_in_the_cache(place, monkeypatch, home) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    Path("mine").mkdir()
    monkeypatch.setattr("dlec_tui.cli.jobs_list.read_jobs", broken)
    assert run("jobs", "list", "--home", home).exit_code == UNEXPECTED
    [file] = place.rglob("crash-*.log")
    assert file.parent == (place / "mine/logs" if home == "mine" else place / "cache/dlec")
    assert file.stat().st_mode & 0o077 == 0
    assert not Path("away").exists()


def test_an_unexpected_exception_where_nothing_can_be_written_is_still_one_line(place, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("dlec_tui.cli.jobs_list.read_jobs", broken)
    monkeypatch.setattr("dlec_tui.cli.failures._directories", lambda _home: iter(()))
    result = run("jobs", "list")
    assert (result.exit_code, result.stderr.count("\n")) == (UNEXPECTED, 1)
    assert not list(place.rglob("crash-*.log"))


def test_what_a_task_wrote_before_it_broke_is_in_the_file(place, monkeypatch) -> None:
    from engine.errors import UnexpectedError

    def broken(*_: object) -> None:
        error = UnexpectedError("an unexpected error ended the task", why="KeyError: 'rope'")
        error.add_note("Traceback of the task")
        raise error

    monkeypatch.setattr("dlec_tui.cli.jobs_list.read_jobs", broken)
    result = run("jobs", "list")
    assert result.exit_code == UNEXPECTED
    assert result.stderr.startswith("Error: an unexpected error ended the task: KeyError: 'rope'; traceback in ")
    assert "Traceback of the task" in next(place.rglob("crash-*.log")).read_text()


@pytest.mark.parametrize(("name", "verb"), VERBS.items(), ids=VERBS)
def test_every_verb_takes_a_home(name: str, verb: click.Command) -> None:
    assert [option for option in verb.params if "--home" in option.opts], name


def test_a_home_before_the_verb_is_the_verbs(place) -> None:
    Path("mine").mkdir()
    Path("mine/config.toml").write_text("[jobs]\nslots = 5\n")
    before, after = run("--home", "mine", "jobs", "list"), run("jobs", "list", "--home", "mine")
    assert (before.exit_code, before.stderr) == (after.exit_code, after.stderr)
    assert "mine/config.toml" in before.stderr
    assert run("--home", "mine", "jobs", "list", "--home", str(place / "store")).exit_code == 0


@pytest.mark.usefixtures("place")
def test_other_options_of_the_workbench_before_a_verb_are_refused() -> None:
    result = run("--ascii", "jobs", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--ascii is for the workbench; dlec jobs does not open it. Leave it out." in result.stderr


@pytest.mark.parametrize(
    ("kind", "own"), [(click.Path, ExpandedPath), (click.IntRange, WholeNumber), (click.FloatRange, Number)]
)
def test_every_path_and_every_number_in_a_range_is_of_our_types(kind: type, own: type) -> None:
    found = [(name, each) for name, verb in VERBS.items() for each in verb.params if isinstance(each.type, kind)]
    assert len(found) > 1
    assert not [(name, each.name) for name, each in found if not isinstance(each.type, own)]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", VERBS)
def test_a_home_of_an_unknown_user_is_a_usage_error(name: str) -> None:
    result = run(*name.split()[1:], "--home", "~nobody-here/x", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["exit_code"] == 2


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "check", "~nobody-here/p.yaml"],
        ["merge", "p.yaml", "~nobody-here/out"],
        ["plan", "new", "repeat", "~nobody-here/model"],
        ["plan", "new", "repeat", "model", "--out=~nobody-here/p.yaml"],
        ["profile", "~nobody-here/model"],
        ["profile", "model", "--text", "~nobody-here/t"],
        ["verify", "~nobody-here/model"],
        ["models", "~nobody-here"],
        ["batch", "p.yaml", "--out", "~nobody-here"],
        ["batch", "~nobody-here/*.yaml", "--out", "out"],
        ["demo", "~nobody-here"],
        ["demo", "--model", "~nobody-here/m"],
        ["store", "merge", "~nobody-here"],
        ["plan", "convert", "0,1", "--model", "~nobody-here/m"],
        ["eval", "p.yaml", "--tasks", "~nobody-here/t.yaml"],
    ],
    ids=" ".join,
)
def test_a_path_of_an_unknown_user_is_a_usage_error(place: Path, words: list[str]) -> None:
    Path("p.yaml").touch()
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no user nobody-here" in result.stderr
    assert not [made for made in place.iterdir() if made.name not in ("p.yaml", "store")]


@pytest.mark.usefixtures("place")
def test_a_home_in_the_environment_of_an_unknown_user_is_a_usage_error(monkeypatch) -> None:
    monkeypatch.setenv("DLEC_HOME", "~nobody-here/x")
    result = run("jobs", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no user nobody-here" in result.stderr


@pytest.mark.parametrize(("name", "option", "other"), RELATIONS)
def test_options_that_exclude_each_other_are_refused_before_the_work(place, name, option, other) -> None:
    verb = VERBS[name]
    partner = next(each for each in verb.params if other in each.opts)
    result = run(*least_words(name, verb), *words_for(option), *words_for(partner))
    assert (result.exit_code, [file.name for file in place.iterdir()]) == (2, ["store"])
    assert "cannot be combined" in result.stderr


def test_each_pair_of_outputs_that_one_verb_has_is_exclusive() -> None:
    for name, verb in VERBS.items():
        spelled = {spelling: option for option in verb.params for spelling in option.opts}
        if "--csv" in spelled:
            option = spelled["--csv"]
            assert isinstance(option, RelatedOption), name
            assert {"--json", "--queue", "--dry-run"} <= set(option.excludes)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("name", "option"), NEEDS)
def test_an_option_that_needs_another_is_refused_alone(name: str, option: RelatedOption) -> None:
    result = run(*least_words(name, VERBS[name]), *words_for(option))
    assert result.exit_code == 2
    assert f"is for {' or '.join(option.needs)}" in result.stderr


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["jobs", "show", "abc"], "'abc' is not a whole number from 1 to 9223372036854775807."),
        (["profile", "m", "--tokens", "many"], "'many' is not a whole number from 1 to 1000000000000."),
        (["profile", "m", "--tokens", "0"], "'0' is not a whole number from 1 to 1000000000000."),
        (["jobs", "wait", "--timeout", "soon"], "'soon' is not a number of at least 0."),
        (["web", "--port", "http"], "'http' is not a whole number from 0 to 65535."),
    ],
)
def test_what_is_no_number_is_answered_with_the_range(words: list[str], expected: str) -> None:
    assert expected in run(*words).stderr


MISSING = {
    "models": ["models", "./gone"],
    "profile": ["profile", "./gone"],
    "score": ["score", "./gone", "--metric", "ablation"],
    "sweep": ["sweep", "blocks", "./gone"],
    "sweep plans": ["sweep", "plans", "./gone", "gone.yaml"],
    "plan new": ["plan", "new", "repeat", "./gone"],
    "plan new dlec": ["plan", "new", "dlec", "./gone", "--layers", "1"],
    "plan check": ["plan", "check", "gone.yaml"],
    "plan show": ["plan", "show", "gone.yaml"],
    "plan convert": ["plan", "convert", "gone.yaml"],
    "plan convert to": ["plan", "convert", "0,1", "--model", "./gone"],
    "preview": ["preview", "gone.yaml"],
    "eval": ["eval", "gone.yaml", "--tasks", "x"],
    "generate": ["generate", "gone.yaml", "--prompt", "x"],
    "merge": ["merge", "gone.yaml", "out"],
    "verify": ["verify", "./gone"],
    "download": ["download", "./gone"],
    "batch": ["batch", "gone.yaml", "--out", "out"],
    "store merge": ["store", "merge", "./gone"],
    "demo": ["demo", "here", "--model", "./gone"],
    "demo below a file": ["demo", "file/here", "--model", "MODEL"],
    "a hub id": ["profile", "org/gone"],
    "a hub id without organisation": ["profile", "gone"],
    "a text": ["profile", "MODEL", "--text", "gone.txt"],
    "a directory of an output": ["plan", "new", "repeat", "MODEL", "-o", "gone/plan.yaml"],
    "a job": ["jobs", "show", "7"],
    "a sweep": ["sweep", "report", "7"],
}


@pytest.mark.parametrize("words", MISSING.values(), ids=MISSING)
def test_what_does_not_exist_ends_with_the_same_code_everywhere(place, tiny_llama, words: list[str]) -> None:
    Path("file").touch()
    here = set(place.iterdir())
    words = [str(tiny_llama) if word == "MODEL" else word for word in words]
    text, data = run(*words), run(*words, "--json")
    assert (text.exit_code, data.exit_code, text.stdout) == (2, 2, "")
    assert "Error: " in text.stderr
    assert text.stderr == data.stderr
    error = json.loads(data.stdout)["error"]
    assert error["exit_code"] == 2
    assert {"kind", "what", "why", "fix"} < error.keys()
    assert set(place.iterdir()) == here


@pytest.mark.parametrize(("name", "verb"), VERBS.items(), ids=VERBS)
def test_the_help_of_every_verb_has_an_example_that_is_understood(place, name: str, verb: click.Command) -> None:
    Path("plan.yaml").touch()
    for directory in ("checkpoints", "SmolLM2-152M", "node1", "node2"):
        (place / directory).mkdir()
    for file in ("a.yaml", "b.yaml"):
        (place / file).touch()
    words = shlex.split(EXAMPLES[name])
    assert " ".join(words).startswith(f"{name}")
    assert parsed(verb, words[len(name.split()) :])
    assert EXAMPLES[name] in run(*name.split()[1:], "--help").stdout


def test_the_summaries_of_the_verbs_are_whole() -> None:
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
def test_a_misspelt_verb_is_answered_with_what_was_probably_meant(words: list[str], meant: str) -> None:
    result = run(*words, "--json")
    assert result.exit_code == 2
    assert meant in result.stderr
    assert meant in json.loads(result.stdout)["error"]["what"]


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("output", "code", "says"),
    [
        ("gone/plan.yaml", 2, "there is no directory"),
        ("there.yaml", 2, "exists"),
        (".", 2, "is a directory"),
        ("closed/plan.yaml", 3, "is not writable"),
    ],
)
@pytest.mark.parametrize("recipe", [("dlec", "--layers", "1"), ("dlec-search", "--layers", "1"), ("dlec-classic",)])
def test_an_output_that_cannot_be_written_is_refused_before_measuring(monkeypatch, recipe, output, code, says) -> None:
    Path("there.yaml").touch()
    Path("closed").mkdir()
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path).name != "closed")
    result = run("plan", "new", recipe[0], "./model-that-is-not-looked-for", *recipe[1:], "-o", output)
    assert (result.exit_code, result.stdout) == (code, "")
    assert says in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["profile", "MODEL"],
        ["sweep", "blocks", "MODEL"],
        ["plan", "new", "dlec", "MODEL", "--layers", "1"],
        ["preview", "plan.yaml"],
        ["generate", "plan.yaml", "--prompt", "x"],
        ["eval", "plan.yaml", "--tasks", "x"],
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("device", ["cuda", "cuda:9", "cuda:0-3"])
def test_a_gpu_that_this_machine_lacks_is_refused_before_the_work(place, monkeypatch, words, device) -> None:
    monkeypatch.setattr("dlec_tui.cli.measuring._AMD_DRIVER", place / "none")
    monkeypatch.setattr("dlec_tui.plans.check_context.gpus", tuple)
    monkeypatch.setattr("dlec_tui.plans.check_context.device_of.__defaults__", (tuple,))
    Path("plan.yaml").touch()
    result = run(*words, "--device", device)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no device cuda:" in result.stderr


def test_a_worker_for_a_gpu_that_this_machine_lacks_is_refused(place, monkeypatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.measuring._AMD_DRIVER", place / "none")
    monkeypatch.setattr("dlec_tui.plans.check_context.device_of.__defaults__", (tuple,))
    result = run("worker", "--slot", "cuda:9", "--until-empty")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no device cuda:9" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["profile", "MODEL", "--tokens", "9" * 25],
        ["generate", "plan.yaml", "--prompt", "x", "--tokens", "9" * 25],
        ["sweep", "report", "9" * 25],
        ["sweep", "report", "0"],
        ["plan", "new", "dlec", "MODEL", "--growth", "nan"],
        ["jobs", "wait", "--timeout", "nan"],
        ["jobs", "wait", "--timeout", "inf"],
        ["sweep", "overlap", "MODEL", "--slice-size", "1..99999999999"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("place")
def test_numbers_that_nothing_can_have_are_refused_as_such(words: list[str]) -> None:
    result = run(*words, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["kind"] == "UsageError"


@pytest.mark.parametrize("empty", ["", "a\0b"], ids=["empty", "NUL"])
@pytest.mark.parametrize(
    "words", [["verify"], ["plan", "check"], ["models"], ["merge", "plan.yaml"], ["jobs", "list", "--home"]]
)
@pytest.mark.usefixtures("place")
def test_a_path_that_cannot_be_one_is_refused_and_never_taken_for_this_directory(words: list[str], empty: str) -> None:
    Path("plan.yaml").touch()
    result = run(*words, empty, "--json")
    assert result.exit_code == 2
    assert "path" in json.loads(result.stdout)["error"]["what"]


@pytest.mark.parametrize("words", [["verify"], ["plan", "check"], ["models"], ["preview"], ["store", "merge"]])
@pytest.mark.usefixtures("place")
def test_a_missing_path_is_the_same_error_in_every_verb(words: list[str]) -> None:
    error = json.loads(run(*words, "gone", "--json").stdout)["error"]
    assert (error["kind"], error["what"], error["path"]) == ("NotFoundError", "gone does not exist", "gone")


@pytest.mark.usefixtures("place")
def test_an_empty_model_of_the_demo_is_never_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlec_tui.cli.demo.demo_model", pytest.fail)
    assert run("demo", "here", "--model", "").exit_code == 1
