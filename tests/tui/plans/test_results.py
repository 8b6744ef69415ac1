"""What the plan pane shows of stored previews."""

from dataclasses import replace

from dlec_tui.plans.results import result_lines
from engine.store.keys import MeasurementKey
from engine.store.previews import PreviewResult
from engine.store.samples import BaseCheck

KEY = MeasurementKey("f", "t", "s", "heldout", 4096, 256, "float32", "torch 2, transformers 5, metrics 2")
SOUND = BaseCheck(7.5, "<bos>", "", 3.9, 5.9, 256, 3.7, 3.4)
BETTER = PreviewResult("plan", KEY, 3.9, 3.8, -0.1, 0.01, -0.12, -0.08, 0.1, 0.9, 4080, 16, check=SOUND)


def shown(result: PreviewResult) -> str:
    return "\n".join(text for text, _ in result_lines([result], [], None))


def test_a_plan_beside_a_sound_base_is_called_what_it_is() -> None:
    assert "perplexity -9.5 %" in shown(BETTER)
    assert "caution" not in shown(BETTER)


def test_a_plan_beside_a_base_that_is_measured_wrongly_is_not_called_better() -> None:
    said = shown(replace(BETTER, check=replace(SOUND, own_prefix="", other_prefix="<bos>", own_nll=5.9, other_nll=3.9)))
    assert "better" not in said
    assert "caution: the base needs 5.90 nats a token with nothing before a text" in said


def test_what_an_earlier_version_measured_is_not_called_better() -> None:
    said = shown(replace(BETTER, key=replace(KEY, versions="torch 2, transformers 5, metrics 1"), check=None))
    assert "better" not in said
    assert "measure again" in said


def test_a_plan_that_computes_nan_says_so() -> None:
    nan = float("nan")
    result = replace(BETTER, plan_nll=nan, delta_nll=nan, low=nan, high=nan, kl=nan, plan_not_finite=4080)
    assert "the plan computes NaN or infinity for 4,080 of 4,080 tokens" in shown(result)
