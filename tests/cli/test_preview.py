"""`dlec preview` and `dlec generate`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dlec_tui.cli.main import dlec as command
from tests.cli.conftest import write_plan

pytestmark = pytest.mark.slow

SHAPE = [
    *("tokens", "sequences", "base", "plan", "delta_nll", "delta_nll_se", "interval95"),
    *("kl", "top1_agreement", "split", "not_finite", "base_check", "sample"),
]
SMALL = ("--tokens", "256", "--seq-len", "16", "--device", "cpu", "--batch-size", "8")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, tiny_llama: Path) -> Path:
    """The plan of this file: 6 layers become 8."""
    return write_plan(tmp_path_factory.mktemp("plans") / "plan.yaml", tiny_llama, (0, 4), (2, 6))


@pytest.fixture(scope="module")
def previewed(file: Path):
    """Runs `dlec preview` on it, with this file's store."""

    def run(*options: str) -> Result:
        words = ["preview", str(file), *SMALL, "--home", str(file.parent), *options]
        result = CliRunner().invoke(command, words, catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result

    return run


@pytest.fixture(scope="module")
def first(previewed) -> dict:
    return json.loads(previewed("--json").stdout)


def test_json_is_the_documented_shape(first: dict) -> None:
    assert list(first) == SHAPE
    assert (first["tokens"], first["sequences"], first["split"]) == (16 * 15, 16, "heldout")
    assert list(first["base"]) == list(first["plan"]) == ["nll", "perplexity"]


def test_the_text_has_a_verdict_and_its_sample(previewed, first: dict) -> None:
    lines = previewed().stdout.splitlines()
    assert f"{first['plan']['nll']:.4f}" in lines[2]
    assert lines[3].endswith("on text not used to choose it")
    assert lines[4].startswith("caution: the base needs")
    sample = first["sample"]
    documents = f"{sample['documents']} of {sample['documents_in_split']} documents of "
    assert f"240 tokens in 16 sequences of {documents}" in lines[-2]
    assert lines[-1] == "found in the store, not measured again"


def test_on_the_selection_set_it_says_so(dlec, file: Path, monkeypatch) -> None:
    asked = {}

    def answer(_name: str, request: dict, _report: object) -> dict:
        asked.update(request)
        likelihood = {"nll": 1.0, "perplexity": 2.7}
        key = {"text_sha256": "abc", "split": "selection", "dtype": "float32", "tokens": 256, "seq_len": 16}
        return {
            **dict.fromkeys(SHAPE, 0.0),
            "not_finite": {"base": 0, "plan": 0},
            "base_check": {"ok": True, "findings": []},
            "sample": None,
            "tokens": 240,
            "sequences": 16,
            "base": likelihood,
            "plan": likelihood,
            "interval95": [0.0, 0.0],
            "split": "selection",
            "key": key,
            "corpus": "text",
            "stored": False,
        }

    monkeypatch.setattr("dlec_tui.cli.preview.run_task", answer)
    talk = dlec("preview", file, "--split", "selection").stdout
    assert asked["split"] == "selection"
    assert "no difference: all predictions are identical, on the selection set" in talk


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_plan_that_computes_nan_is_a_finding_and_the_exit_code_says_so(
    options: tuple[str, ...], dlec, tmp_path: Path, tiny_llama: Path
) -> None:
    plan = write_plan(tmp_path / "plan.yaml", tiny_llama, (0, 4), (2, 6))
    text = plan.read_text().replace("layer_range: [2, 6]", "layer_range: [2, 6]\n    parameters:\n      scale: 3.0e+38")
    plan.write_text(text)
    result = dlec("preview", plan, *SMALL, "--home", tmp_path, *options)
    assert result.exit_code == 1
    if options:
        assert json.loads(result.stdout)["not_finite"]["plan"] > 0
    else:
        assert "the plan computes NaN or infinity for 240 of 240 tokens" in result.stdout


def test_no_plan_is_called_better_than_a_base_that_predicts_worse_than_expected(
    dlec, file: Path, first: dict, monkeypatch
) -> None:
    better = {**first, "delta_nll": -0.1, "interval95": [-0.12, -0.08], "corpus": "text", "stored": False}
    key = {"text_sha256": "abc", "split": "heldout", "dtype": "float32", "tokens": 256, "seq_len": 16}
    monkeypatch.setattr("dlec_tui.cli.preview.run_task", lambda *_: {**better, "key": key})
    talk = dlec("preview", file).stdout
    assert "perplexity -9.5 % (95 % interval -11.3 to -7.7); inconclusive" in talk
    assert "better" not in talk
    sound = {**better, "key": key, "base_check": {"ok": True, "findings": []}}
    monkeypatch.setattr("dlec_tui.cli.preview.run_task", lambda *_: sound)
    assert "perplexity -9.5 %" in dlec("preview", file).stdout


def test_a_plan_with_errors_is_not_previewed(dlec, bad_plan: Path) -> None:
    result = dlec("preview", bad_plan)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "layer-range" in result.stderr


def test_strict_refuses_a_plan_with_warnings(dlec, plan: Path) -> None:
    plan.write_text(plan.read_text() + "entirely_unknown: 1\n")
    assert dlec("preview", plan, "--strict").exit_code == 1


def test_a_gpu_that_is_not_there_is_refused_before_the_work(dlec, plan: Path) -> None:
    result = dlec("preview", plan, "--device", "cuda:77")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no device cuda:77" in result.stderr


def test_both_continuations_as_json(dlec, plan: Path) -> None:
    found = json.loads(dlec("generate", plan, "--prompt", "Once", "--tokens", "5", "--device", "cpu", "--json").stdout)
    assert list(found) == ["prompt", "base", "plan"]
    assert all(found.values())


def test_both_continuations_as_text_print_nothing_raw(dlec, plan: Path, monkeypatch) -> None:
    texts = {"base": "\x1b[31m red", "plan": "[b]old"}
    monkeypatch.setattr("dlec_tui.cli.generate.run_task", lambda *_: texts)
    talk = dlec("generate", plan, "--prompt", "Once").stdout
    assert talk == "base: Once\\x1b[31m red\nplan: Once[b]old\n"


@pytest.mark.parametrize("options", [[], ["--prompt", "x", "--tokens", "0"], ["--prompt", "x", "--dtype", "int8"]])
def test_what_generate_does_not_understand_is_a_usage_error(dlec, plan: Path, options: list[str]) -> None:
    assert dlec("generate", plan, *options).exit_code == 2


def test_an_empty_prompt_is_a_usage_error(dlec, plan: Path) -> None:
    result = dlec("generate", plan, "--prompt", "", "--device", "cpu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "prompt is empty" in result.stderr
