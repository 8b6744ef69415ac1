"""sidecars: files next to the weights that describe layers.

Severity: note; error for a file that readers of the weights need and that cannot be rewritten

Why: Quantisation tools write lists of modules into files of their own, and other programs write the depth. An unchanged
copy would describe the source's layers. dlec rewrites JSON for the new layers; files that it cannot rewrite, and files
that were measured on or signed for the source, are left out.

Source: ModelOpt's `hf_quant_config.json`, GPTQ's `quantize_config.json`, Mistral's `params.json`, llm-compressor's
`recipe.yaml`, llama.cpp's `imatrix.dat`.

Example: `hf_quant_config.json` with `"exclude_modules": ["model.layers.3.mlp"]`.

Fix: Nothing to do for a note. For an error, stack checkpoints that are quantised in the same way, or list every layer
in the file by its full name.
"""

from collections.abc import Iterator

from engine.errors import CheckpointError, shown
from engine.plan.companions import REWRITTEN, companions
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    try:
        files = companions(facts.stack)
    except CheckpointError as error:
        yield Problem("sidecars", Severity.ERROR, error.line, fix=error.fix)
        return
    for name in files.rewritten:
        yield Problem("sidecars", Severity.NOTE, f"{shown(name)} {REWRITTEN}")
    for name, why in files.left_out.items():
        yield Problem("sidecars", Severity.NOTE, f"{shown(name)} is left out ({why})")
