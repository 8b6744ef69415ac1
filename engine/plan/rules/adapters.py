"""adapters: the weights contain a low-rank adapter that is not merged.

Severity: error; warning if the base weights have their usual names

Why: Trainers that save a model with its adapter write `q_proj.base_layer.weight`, `q_proj.lora_A.default.weight` and so
on. transformers does not find the former and ignores the latter: it initialises the base weights at random, or loads
the base without the adapter.

Source: issues of PEFT and of several trainers, reproduced for this project.

Example: `model.layers.0.self_attn.q_proj.lora_A.default.weight` in model.safetensors.

Fix: Merge the adapter with `merge_and_unload()` of PEFT and save the result.
"""

import re
from collections.abc import Iterator

from engine.checkpoint.load_check import named
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts

_ADAPTER = re.compile(
    r"(^|\.)(base_layer|original_module|modules_to_save|lora_(A|B|E|embedding_A|embedding_B|magnitude_vector)"
    r"|hada_\w+|lokr_\w+|b?oft_\w+|vera_\w+|ia3_l|road_theta|road_alpha|ln_tuning_layers|adaption_\w+|shira_weight"
    r"|vblora_\w+|fourierft_\w+|randlora_\w+|miss_block|bone_block|hra_u|trainable_tokens_\w+)(\.|$)"
)
_MOVED = r"(^|\.)(base_layer|original_module)\."


def check(facts: Facts) -> Iterator[Problem]:
    for reference, place in facts.first_mentions():
        checkpoint = facts.checkpoints[reference]
        names = [name for name in checkpoint.tensors if _ADAPTER.search(name)]
        if not names or facts.opens_completely(checkpoint):
            continue
        is_moved = any(re.search(_MOVED, name) for name in names)
        message = f"{reference} contains an adapter that is not merged: {len(names)} tensors ({named(names)})"
        fix = "Merge the adapter: PeftModel.from_pretrained(BASE, ADAPTER).merge_and_unload().save_pretrained(OUT)."
        yield Problem("adapters", Severity.ERROR if is_moved else Severity.WARNING, message, place, fix)
