"""Reads the `modules:` form, which mergekit demands for models of several towers.

Slices apply to the language model. dlec carries the other towers along from the config's donor, so what the plan says
of them must be just that.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from engine.errors import shown
from engine.plan.model import Slice
from engine.plan.syntax.nodes import Mapping, Node
from engine.plan.syntax.reading import Findings, as_mapping, check_keys
from engine.plan.syntax.scales import read_parameters
from engine.plan.syntax.slices import read_listed_models, read_slices

MODULE_KEYS = ("slices", "models", "parameters")
_LANGUAGE = re.compile(r"^default$|text|language|llm|(^|_)decoder$")
"""mergekit's names of the module that holds the decoder: `default`, `text_decoder`, `language_model`."""


def read_modules(node: Node, base_model: str | None, found: Findings) -> tuple[Slice, ...]:
    """The slices of the language model; `base_model` gives the other towers, else its first slice does."""
    modules = as_mapping(node, "`modules`", found)
    if modules is None:
        return ()
    name = _language_model(modules, found)
    if name is None:
        return ()
    slices = _read_module(name, modules, found)
    for other in sorted(modules.entries.keys() - {name}):
        carried = _read_module(other, modules, found)
        if slices and carried:
            _check_carried(other, carried, base_model or slices[0].model, found)
    return slices


def _language_model(modules: Mapping, found: Findings) -> str | None:
    names = list(modules.entries)
    likely = names if len(names) == 1 else [name for name in names if _LANGUAGE.search(name)]
    if len(likely) == 1:
        return likely[0]
    listed = ", ".join(shown(name) for name in likely or names) or "no module"
    message = f"of {listed} it is not clear which is the language model"
    fix = "Write plain `slices`: they apply to the language model, the rest is carried along."
    found.error("modules", message, modules.place, fix)
    return None


def _read_module(name: str, modules: Mapping, found: Findings) -> tuple[Slice, ...]:
    node = modules.get(name)
    module = None if node is None else as_mapping(node, f"module `{shown(name)}`", found)
    if module is None:
        return ()
    check_keys(module, MODULE_KEYS, "a module", found)
    level = read_parameters(module, found)
    slices, models = module.given("slices"), module.given("models")
    if slices is not None and models is None:
        read = read_slices(slices, found)
    elif models is not None and slices is None:
        read = read_listed_models(models, found)
    else:
        found.error("shape", f"module `{shown(name)}` must have either `slices` or `models`", module.place)
        return ()
    return tuple([replace(slice_, levels=(*slice_.levels, level)) for slice_ in read]) if level else read


def _check_carried(name: str, slices: Sequence[Slice], donor: str, found: Findings) -> None:
    """A module outside the language model must be one model as a whole, unscaled."""
    first = slices[0]
    is_whole = len(slices) == 1 and first.start == 0 and not first.levels
    if is_whole and first.model == donor:
        return
    message = f"module `{shown(name)}` would not be what {shown(donor)} has: dlec carries it along as a whole, unscaled"
    fix = f"Name {shown(donor)} alone there, or set base_model to the model that shall give it."
    found.error("modules", message, first.place, fix)
