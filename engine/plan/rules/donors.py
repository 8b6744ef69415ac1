"""donors: embeddings, head, config and tokenizer come from checkpoints that do not fit each other.

Severity: error; note where the plan changes whether embeddings and head are one matrix

Why: The first slice gives the embeddings, the last one norm and head, `base_model` (else the first slice) config and
tokenizer. Matrices with another number of rows than the config's vocabulary do not load; a head that is or is not tied
to the embeddings against what the config says is lost without a word.

Source: mergekit's behaviour, checked by running it.

Example: a first slice from a model of 32,000 tokens, a last one from its finetune with 32,002.

Remedy: Take embeddings, head and `base_model` from checkpoints with one vocabulary.
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
    """The rows of embedding and head must be those of the config's vocab_size."""
    stack = facts.stack
    expected = stack.config_donor.config.decoder.get("vocab_size")
    slices = facts.plan.slices
    ends = (
        ("embeddings", "have", stack.embedding.checkpoint, End.EMBEDDING, slices[0]),
        ("head", "has", stack.head.checkpoint, End.HEAD, slices[-1]),
    )
    for what, has, checkpoint, end, slice_ in ends:
        rows = _rows(checkpoint, end)
        if rows is not None and isinstance(expected, int) and rows != expected:
            message = (
                f"the {what} of {checkpoint.reference} {has} {rows:,} rows, "
                f"the config of {stack.config_donor.reference} says vocab_size {expected:,}"
            )
            fix = "Take embeddings, head and base_model from checkpoints with the same vocabulary."
            yield Problem("donors", Severity.ERROR, message, slice_.model_place, fix)


def _rows(checkpoint: Checkpoint, end: End) -> int | None:
    """Rows of the embedding or head matrix; a tied head has those of its embedding."""
    wanted = is_token_embedding if end is End.EMBEDDING else is_output_head
    shapes = [checkpoint.tensors[name].shape for name in checkpoint.anatomy.names_of_end(end) if wanted(name)]
    matrices = [shape for shape in shapes if len(shape) == 2]
    if not matrices and end is End.HEAD:
        return _rows(checkpoint, End.EMBEDDING)
    return matrices[0][0] if matrices else None


def _tying(facts: Facts) -> Iterator[Problem]:
    if ("tie_word_embeddings",) in config_overrides(facts.stack):
        tied = "shares" if is_tied(facts.stack) else "does not share"
        message = f"the new model {tied} its embedding matrix with the head; tie_word_embeddings is set accordingly"
        yield Problem("donors", Severity.NOTE, message, facts.plan.slices[-1].model_place)
