"""What holds for every recipe: defaults at any depth, options that can be asked for, errors that can be read."""

import dataclasses
from dataclasses import MISSING
from enum import StrEnum

import pytest

from engine.checkpoint.find import opener
from engine.errors import CheckpointError, UsageError
from engine.plan.check import check_plan
from engine.plan.recipes import alternate, attenuated, interleave, prune
from engine.plan.recipes.registry import RECIPES, fields_of
from tests.cases import cases
from tests.tiny import write_llama

DEPTHS = (4, 5, 6, 7, 12, 22, 30, 32, 40, 61, 80)
FIELDS = {f"{name} {field.name}": field for name, recipe in RECIPES.items() for field in recipe.fields}


def written(model_of, name, depth, **values):
    if name in ("alternate", "graft"):
        values["other"] = model_of(depth, seed=1)
    return RECIPES[name].write(model_of(depth), RECIPES[name].options(**values))


@cases("depth", DEPTHS)
@cases("name", RECIPES)
def test_the_defaults_write_a_plan_without_errors_at_any_depth(model_of, name, depth):
    checked = check_plan(written(model_of, name, depth), opener())
    assert checked.ok, checked.problems
    assert (len(checked.stack.visits) > depth) is (name not in ("prune", "graft"))


@cases("depth", [1, 2, 3])
@cases("name", RECIPES)
def test_a_model_too_shallow_is_told_so(model_of, name, depth):
    try:
        text = written(model_of, name, depth)
    except UsageError as error:
        assert f"{depth} layers" in error.why
        assert error.fix
    else:
        assert check_plan(text, opener()).ok


@cases("name", RECIPES)
def test_options_are_a_frozen_dataclass_and_each_says_what_it_is(name):
    options = RECIPES[name].options
    assert options.__dataclass_params__.frozen
    assert [field.name for field in RECIPES[name].fields] == [field.name for field in dataclasses.fields(options)]
    for field in RECIPES[name].fields:
        assert field.help.endswith(".")
        assert field.default is not None or "default" in field.help


def test_only_a_second_model_has_no_default():
    assert [name for name, field in FIELDS.items() if field.is_required] == ["alternate other", "graft other"]
    assert [name for name, field in FIELDS.items() if field.is_model] == ["alternate other", "graft other"]


@cases("field", FIELDS.values(), ids=FIELDS)
def test_what_is_written_of_a_value_is_read_as_that_value(field):
    examples = {
        "N": (7,), "X": (0.25,), "START:END": ((2, 5),), "START:END,...": (((2, 5), (7, 8)),), "MODEL": ("org/name",),
        "NAME,...": (("q_proj", "mlp"),),
    }  # fmt: skip
    for value in examples.get(field.form) or [field.read(word) for word in field.form.split("|")]:
        assert field.read(f" {field.written(value)} ") == value
    assert field.written(None) == field.written(MISSING) == ""


@cases("field", [f for f in FIELDS.values() if f.form not in ("MODEL", "NAME,...")], ids=lambda f: f.name)
@cases("text", ["", "x", "1:2:3", "1.5.2", "nan", "inf", "1:", "2:3;4:5", "\x1b[31m"])
def test_what_is_no_value_is_said_in_words(field, text):
    with pytest.raises(UsageError, match="is not") as raised:
        field.read(text)
    assert "\x1b" not in str(raised.value)


def test_words_are_read_as_the_choice_they_name():
    (field,) = (field for field in fields_of(attenuated.Options) if field.name == "convention")
    assert field.read("correlated") is attenuated.Convention.CORRELATED
    assert isinstance(field.default, StrEnum)


WRONG = {
    "overlap": [{"slice_size": 4, "backward_jump": 4}, {"last_slice": 2}, {"slice_size": 99}, {"backward_jump": 0}],
    "growing": [{"first_slice": 1}, {"first_slice": 40}, {"growth": 0}, {"backward_jump": 4}, {"backward_jump": 0}],
    "double-each": [{"layers": (3, 3)}, {"run": 0}, {"layers": (0, 33)}],
    "attenuated": [{"times": 1}, {"run": -1}, {"layers": (-1, 3)}, {"times": 10**9}],
    "solar": [{"drop": 16}, {"drop": -1}],
    "alternate": [{"slice_size": 1}, {"backward_jump": 6}],
    "graft": [{"layers": ((30, 33),)}, {"layers": ((3, 3),)}, {"tensors": ("wq",)}],
    "llama-pro": [{"groups": 0}, {"groups": 33}],
    "expand-end": [{"copies": 0}, {"copies": 10**9}],
    "zeroed-middle": [{"copies": 0}, {"layers": (5, 4)}],
    "interleave": [{"copies": -1}, {"layers": (31, 33)}, {"copies": 10**9}],
    "prune": [{"layers": 0}, {"layers": 30}, {"drop": ((0, 32),)}, {"drop": ((3, 3),)}, {"protect_last": 32}],
    "repeat": [{"times": 0}, {"layers": (4, 2)}, {"times": 10**9}],
}


@cases(("name", "values"), [(name, values) for name, each in WRONG.items() for values in each])
def test_what_cannot_be_is_refused_with_a_way_out(model_of, name, values):
    with pytest.raises(UsageError) as raised:
        written(model_of, name, 32, **values)
    assert raised.value.fix


def test_models_of_different_depth_do_not_take_turns(model_of):
    with pytest.raises(UsageError, match="32 layers.* 30"):
        alternate.write(model_of(32), alternate.Options(model_of(30)))


def test_damping_what_is_not_understood_is_refused(tmp_path):
    model = opener()(str(write_llama(tmp_path / "m", config={"swin_norm": True})))
    with pytest.raises(CheckpointError, match="swin_norm"):
        interleave.write(model, interleave.Options())
    assert check_plan(prune.write(model, prune.Options()), opener()).ok
