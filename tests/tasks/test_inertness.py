"""Whether silenced copies are inert is tried on the family's own class, once, and never believed from a list alone."""

import json
from pathlib import Path

import pytest

from engine.checkpoint import residual
from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import CheckpointError, MachineError
from engine.inference import inertness as trial
from engine.plan.recipes import interleave
from engine.plan.recipes.registry import RECIPES
from engine.plan.rules.facts import Inertness
from engine.tasks import inertness
from engine.tasks.inertness import inertness_trials
from tests.architectures import FAMILIES
from tests.tiny import write_llama

LONGCAT = {
    "model_type": "longcat_flash",
    "architectures": ["LongcatFlashForCausalLM"],
    "vocab_size": 131072,
    "hidden_size": 6144,
    "num_layers": 28,
    "num_attention_heads": 64,
    "ffn_hidden_size": 12288,
    "expert_ffn_hidden_size": 2048,
    "q_lora_rank": 24,
    "kv_lora_rank": 16,
    "moe_topk": 12,
    "n_routed_experts": 512,
    "zero_expert_num": 256,
}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def of_family(directory, model_type="yet-unknown"):
    return open_checkpoint(write_llama(directory, config={"model_type": model_type}))


def answering(monkeypatch, reason):
    asked = []

    def run_child(_module, request):
        asked.append(request)
        return {"reason": reason, "unknown": ""}

    monkeypatch.setattr("engine.tasks.process.run_child", run_child)
    return asked


def test_identity_experts_are_found_by_trying_them(tmp_path, monkeypatch):
    """With what is known of the family taken away, on a config of the real size."""
    monkeypatch.setattr(residual, "_PASSES_ON", {})
    (tmp_path / "config.json").write_text(json.dumps(LONGCAT))
    found = trial.check({"directory": str(tmp_path)})
    assert found["unknown"] == ""
    assert found["reason"].startswith(
        "zero-scaled copies of its layers changed the logits of a small random longcat_flash by"
    )


def test_a_trial_that_runs_out_of_processor_time_says_so(tmp_path, monkeypatch):
    def slow(_candidate):
        raise trial.OutOfTime

    monkeypatch.setattr(trial, "_tried", slow)
    of_family(tmp_path / "model", "llama")
    found = trial.check({"directory": str(tmp_path / "model")})
    assert found == {"reason": "", "unknown": "the trial took more than 60 s of processor time"}


@pytest.mark.parametrize("family", ["qwen2-moe", "lfm2", "glm4"])
def test_families_whose_copies_are_inert_pass_the_trial(family, checkpoint_of):
    assert trial.check({"directory": str(checkpoint_of(family))}) == {"reason": "", "unknown": ""}


def test_a_family_that_transformers_does_not_know_is_not_judged(tmp_path):
    of_family(tmp_path / "model")
    found = trial.check({"directory": str(tmp_path / "model")})
    assert found["reason"] == ""
    assert "yet-unknown" in found["unknown"]


def test_a_config_is_tried_once(home, tmp_path, monkeypatch):
    asked = answering(monkeypatch, "it rotates the stream")
    one, same = of_family(tmp_path / "one"), of_family(tmp_path / "same")
    trials = inertness_trials()
    assert trials.known(one) == Inertness()
    assert trials.tried(one) == Inertness("it rotates the stream")
    assert trials.tried(same) == inertness_trials().known(same) == Inertness("it rotates the stream")
    assert asked == [{"directory": str(tmp_path / "one")}]
    assert len(list((home / "inertness").iterdir())) == 1


@pytest.mark.usefixtures("home")
def test_families_that_the_tests_prove_need_no_trial(tmp_path, monkeypatch):
    asked = answering(monkeypatch, "never asked")
    assert inertness_trials().tried(of_family(tmp_path / "llama", "llama")) == Inertness()
    assert not asked
    assert {family.model_type for family in FAMILIES.values()} >= inertness.PROVEN


@pytest.mark.usefixtures("home")
def test_without_transformers_nothing_is_tried(tmp_path, monkeypatch):
    asked = answering(monkeypatch, "never asked")
    monkeypatch.setattr(inertness, "library_versions", lambda: ())
    assert inertness_trials().tried(of_family(tmp_path / "model")).unknown == inertness.NO_LIBRARIES
    assert not asked


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("recipe", ["llama-pro", "expand-end", "zeroed-middle", "interleave"])
def test_recipes_that_promise_inert_copies_refuse_where_they_are_not(recipe, tmp_path, monkeypatch):
    answering(monkeypatch, "it rotates the stream")
    checkpoint = of_family(tmp_path / "model")
    with pytest.raises(CheckpointError, match="would not be inert") as error:
        inertness_trials().written(RECIPES[recipe], checkpoint, RECIPES[recipe].options())
    assert error.value.why == "it rotates the stream"


@pytest.mark.usefixtures("home")
def test_a_recipe_whose_copies_are_to_act_is_written_all_the_same(tmp_path, monkeypatch):
    asked = answering(monkeypatch, "it rotates the stream")
    options = interleave.Options(scale=0.5)
    assert "damped copy" in inertness_trials().written(RECIPES["interleave"], of_family(tmp_path / "model"), options)
    assert not asked


def test_a_home_that_cannot_be_written_to_costs_another_trial_and_no_answer(home, tmp_path, monkeypatch):
    answering(monkeypatch, "it rotates the stream")
    Path(home).write_text("not a directory")
    assert inertness_trials().tried(of_family(tmp_path / "model")) == Inertness("it rotates the stream")


def test_trials_are_cached_in_the_home_that_is_given(home, tmp_path, monkeypatch):
    answering(monkeypatch, "it rotates the stream")
    model = of_family(tmp_path / "model")
    inertness_trials(tmp_path / "other").tried(model)
    assert inertness_trials(tmp_path / "other").known(model).reason
    assert not home.exists()


@pytest.mark.usefixtures("home")
def test_a_trial_that_takes_too_long_is_unknown_and_says_so(tmp_path, monkeypatch):
    def run_child(_module, _request):
        raise MachineError("engine.inference.inertness crashed", why="SIGXCPU")

    monkeypatch.setattr("engine.tasks.process.run_child", run_child)
    model = of_family(tmp_path / "model")
    assert "SIGXCPU" in inertness_trials().tried(model).unknown
    assert inertness_trials().written(RECIPES["llama-pro"], model, RECIPES["llama-pro"].options())
