"""donors: embeddings, head, config and tokenizer come from checkpoints that do not match.

Severity: error; note if the plan changes whether embeddings and head are tied

Why: The first slice gives the embeddings, the last one the final norm and head, `base_model` (else the first slice)
config and tokenizer. Matrices with a different number of rows than the config's own checkpoint do not load; a head that
is tied or untied against what the config says is lost silently. A checkpoint is not compared with its own config: Llama
3.2 Vision has eight rows more than its `vocab_size` by design.

Source: mergekit's behaviour, verified by running it.

Example: a first slice from a model with 32,000 tokens, a last one from its finetune with 32,002.

Fix: Take embeddings, head and `base_model` from checkpoints with the same vocabulary.
"""

from collections.abc import Iterator

from engine.checkpoint.anatomy import End, is_output_head, is_token_embedding
from engine.checkpoint.checkpoint import Checkpoint
from engine.plan.outputs import config_overrides, is_tied
from engine.plan.problems import Problem, Severity
from engine.plan.rules.facts import Facts


def check(facts: Facts) -> Iterator[Problem]:
    yield from _vocabulary(facts)
    yield from _tying(facts)


def _vocabulary(facts: Facts) -> Iterator[Problem]:
    """Yield an embedding or head with a different number of rows than that of the config donor."""
    stack, slices = facts.stack, facts.plan.slices
    ends = (
        ("embedding matrix", stack.embedding.checkpoint, End.EMBEDDING, slices[0]),
        ("head", stack.head.checkpoint, End.HEAD, slices[-1]),
    )
    for what, checkpoint, end, slice_ in ends:
        rows, expected = _rows(checkpoint, end), _rows(stack.config_donor, end)
        if rows is not None and expected is not None and rows != expected:
            message = (
                f"the {what} of {checkpoint.reference} has {rows:,} rows, "
                f"but {expected:,} in {stack.config_donor.reference}, which provides the config"
            )
            fix = "Take embeddings, head and base_model from checkpoints with the same vocabulary."
            yield Problem("donors", Severity.ERROR, message, slice_.model_place, fix)


def _rows(checkpoint: Checkpoint, end: End) -> int | None:
    """Number of rows of the embedding or head matrix; a tied head has those of its embedding."""
    is_matrix = is_token_embedding if end is End.EMBEDDING else is_output_head
    shapes = [checkpoint.tensors[name].shape for name in checkpoint.anatomy.names_of_end(end) if is_matrix(name)]
    matrices = [shape for shape in shapes if len(shape) == 2]
    if not matrices and end is End.HEAD:
        return _rows(checkpoint, End.EMBEDDING)
    return matrices[0][0] if matrices else None


def _tying(facts: Facts) -> Iterator[Problem]:
    if ("tie_word_embeddings",) in config_overrides(facts.stack):
        tied = "ties" if is_tied(facts.stack) else "does not tie"
        message = f"the new model {tied} embeddings and head; tie_word_embeddings is set accordingly"
        yield Problem("donors", Severity.NOTE, message, facts.plan.slices[-1].model_place)
