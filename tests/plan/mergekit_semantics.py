"""What mergekit makes of a plan, restated in few lines from its behaviour: the reference for random plans.

Works on what PyYAML reads and on tensors in memory; shares nothing with the engine.
"""

import re

LAYER = re.compile(r"model\.layers\.(\d+)\.")


def tensors_of(plan, models):
    """New name to tensor. `models`: name to the tensors of a llama."""
    first, last = plan["slices"][0], plan["slices"][-1]
    out, number = {}, 0
    for name, tensor in models[_source(first)["model"]].items():
        if "embed" in name:
            out[name] = _scaled(tensor, name, _levels(plan, first), 0)
    for slice_ in plan["slices"]:
        source = _source(slice_)
        start, end = map(int, source["layer_range"])
        for layer in range(start, end):
            position = (layer - start) / (end - start - 1) if end - start > 1 else 1
            for name, tensor in models[source["model"]].items():
                if (found := LAYER.match(name)) and int(found[1]) == layer:
                    new = f"model.layers.{number}.{name[found.end() :]}"
                    out[new] = _scaled(tensor, name, _levels(plan, slice_), position)
            number += 1
    for name, tensor in models[_source(last)["model"]].items():
        if name in ("model.norm.weight", "lm_head.weight"):
            out[name] = _scaled(tensor, name, _levels(plan, last), 0)
    return out


def _source(slice_):
    (source,) = slice_["sources"]
    return source


def _levels(plan, slice_):
    holders = (_source(slice_), slice_, plan)
    return [holder["parameters"]["scale"] for holder in holders if "parameters" in holder]


def _scaled(tensor, name, levels, position):
    factors = (_evaluated(setting, name, position) for setting in levels)
    factor = next((factor for factor in factors if factor is not None), None)
    return tensor if factor is None else tensor * factor


def _evaluated(setting, name, position):
    if isinstance(setting, int | float):
        return float(setting)
    if all(isinstance(item, int | float) for item in setting):
        place = position * (len(setting) - 1)
        left = min(int(place), len(setting) - 1)
        right = min(left + 1, len(setting) - 1)
        return setting[left] * (1 - (place - left)) + setting[right] * (place - left)
    for entry in setting:
        if entry.get("filter") in (None, "*") or entry["filter"] in name:
            return _evaluated(entry["value"], name, position)
    return None
