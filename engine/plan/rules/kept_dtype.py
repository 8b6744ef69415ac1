"""kept-dtype: tensors that `dtype` does not cast, because they are stored in another dtype on purpose.

Severity: note

Why: Nearly every published plan sets `dtype: bfloat16` and means the weights. What a checkpoint stores in a different
dtype than most of its decoder is stored so on purpose: the biases that balance a router's experts, scales of quantised
weights, what transformers keeps in float32. Rounding 64 such biases to bfloat16 left 9 distinct values, and 34 % of
2,000 tokens were routed to other experts. Such tensors keep their dtype; correction biases and scales of quantised
weights always do.

Source: sgl-project/sglang issues 37133 and 31213; the numbers were measured for this project. mergekit casts all.

Example: `dtype: bfloat16` over a GLM-4.5 whose `e_score_correction_bias` are float32.

Fix: Nothing to do. To cast every tensor, add the comment `# dlec: cast all` to the plan, which mergekit ignores: check,
preview and merge then cast everything.
"""

from collections.abc import Iterator

from engine.plan.comments import CAST_ALL
from engine.plan.kept import kept_in_words, kept_tensors
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if kept := kept_tensors(facts.stack):
        tensors = "1 tensor keeps its" if len(kept) == 1 else f"{len(kept):,} tensors keep their"
        message = f"{tensors} dtype: {kept_in_words(kept)}"
        fix = f"To cast every tensor, add the comment `# dlec: {CAST_ALL}` to the plan."
        yield Problem("kept-dtype", Severity.NOTE, message, fix=fix)
