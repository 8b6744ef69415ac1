from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.find import opener
from engine.errors import CheckpointError, PlanError
from engine.inference.wavefront.visits import Step, stack_of, visits, visits_of
from engine.plan.check import check_plan
from engine.plan.stack import Donor, Stack
from tests.architectures import CheckpointOf
from tests.inference.stacks import ODD_JUMP
from tests.inference.stacks import stack_of as layers_of
from tests.inference.wavefront.sweeping import ODD, SCALED
from tests.tiny import write_llama

SLICES = "merge_method: passthrough\nslices:\n"


@pytest.mark.parametrize("family", ["llama", "gemma2", "olmo2", "gpt2"])
def test_visits_become_a_stack_and_back(family: str, checkpoint_of: CheckpointOf) -> None:
    checkpoint = open_checkpoint(checkpoint_of(family))
    for plan in (ODD, SCALED):
        assert visits_of(stack_of(checkpoint, plan)) == plan


def test_a_stack_of_layers_alone_is_read(checkpoint_of: CheckpointOf) -> None:
    assert visits_of(layers_of(checkpoint_of("llama"))) == visits(ODD_JUMP)


def _read(source: Path, slices: str, end: str = "") -> object:
    checked = check_plan(SLICES + slices.replace("MODEL", str(source)) + end, opener())
    assert checked.stack is not None, checked.problems
    return visits_of(checked.stack)


def _slice(first: int, last: int, scale: str = "") -> str:
    parameters = f"\n        parameters: {{scale: [{scale}]}}" if scale else ""
    return f"  - sources:\n      - model: MODEL\n        layer_range: [{first}, {last}]{parameters}\n"


WRITERS = "{filter: o_proj, value: 0.5}, {filter: down_proj, value: 0.5}, {value: 1.0}"


@pytest.mark.parametrize("model", ["llama", "gemma2"])
def test_the_factor_on_everything_that_writes_is_a_visits_scale(model: str, checkpoint_of: CheckpointOf) -> None:
    result = _read(checkpoint_of(model), _slice(0, 4) + _slice(3, 6, WRITERS))
    assert result == (*visits(range(4)), *(Step(layer, 0.5) for layer in (3, 4, 5)))


@pytest.mark.parametrize(
    ("slices", "end", "reason"),
    [
        (
            _slice(0, 4) + _slice(3, 6, "{filter: o_proj, value: 0.5}, {value: 1.0}"),
            "",
            "o_proj.weight by 0.5: not one",
        ),
        (
            _slice(0, 4) + _slice(3, 6, "{filter: q_proj, value: 0.5}, {value: 1.0}"),
            "",
            "q_proj.weight by 0.5: not one",
        ),
        (_slice(0, 4, "{value: 0.5}") + _slice(3, 6), "", "embed_tokens.weight, which is outside"),
        (_slice(0, 4) + _slice(3, 6), "dtype: bfloat16\n", "from F32 to BF16"),
    ],
)
def test_plans_that_are_not_paths_are_refused_with_the_reason(
    slices: str, end: str, reason: str, checkpoint_of: CheckpointOf
) -> None:
    with pytest.raises(PlanError, match=f"not a sequence of layers of one checkpoint.*{reason}"):
        _read(checkpoint_of("llama"), slices, end)


def test_two_checkpoints_are_refused(tmp_path: Path) -> None:
    one, two = (layers_of(write_llama(tmp_path / name)) for name in ("one", "two"))
    stack = Stack(one.visits + two.visits, one.embedding, Donor(one.config_donor), one.config_donor)
    with pytest.raises(PlanError, match=f"takes layers or ends of {tmp_path / 'two'}"):
        visits_of(stack)


def test_scales_of_a_layer_that_is_not_understood_are_refused(checkpoint_of: CheckpointOf, tmp_path: Path) -> None:
    import shutil

    from tests.inference.stacks import edit_config

    shutil.copytree(checkpoint_of("llama"), tmp_path / "model")
    edit_config(tmp_path / "model", swin_norm=True)
    with pytest.raises(CheckpointError, match="cannot be scaled"):
        stack_of(open_checkpoint(tmp_path / "model"), (Step(0, 0.5),))
