"""kept-dtype: tensors that `dtype` does not cast, because their checkpoint stores them otherwise than most of itself.

Severity: note

Why: Nearly every published plan says `dtype: bfloat16`, and means the weights. What a checkpoint stores in another
dtype than most of its decoder is stored so on purpose: the biases that balance a router's experts, scales of quantised
weights, what transformers keeps in float32. Rounding 64 such biases to bfloat16 left 9 different ones, and 34 % of
2,000 tokens got other experts. They stay as they are stored; correction biases and scales of quantised weights do so
whatever they are stored in.

Source: sgl-project/sglang issues 37133 and 31213; the figures were measured for this project. mergekit casts all.

Example: `dtype: bfloat16` over a GLM-4.5 whose `e_score_correction_bias` are float32.

Remedy: None is needed. A plan that means every tensor says so in a comment, `# dlec: cast all`, which mergekit does not
read and which is kept with the plan: check, preview and merge then all cast everything.
"""

from collections.abc import Iterator

from engine.plan.comments import CAST_ALL
from engine.plan.kept import kept_in_words, kept_tensors
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    if kept := kept_tensors(facts.stack):
        tensors = "1 tensor keeps its own" if len(kept) == 1 else f"{len(kept):,} tensors keep their own"
        message = f"{tensors} dtype: {kept_in_words(kept)}"
        fix = f"They are stored so on purpose. To cast them too, write `# dlec: {CAST_ALL}` into the plan."
        yield Problem("kept-dtype", Severity.NOTE, message, fix=fix)
