"""Check that a base is measured as it is meant to be used, made before anything is concluded from its figures."""

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.errors import shown
from engine.numbers.unigram import unigram_nll
from engine.store.database import open_for_reading, open_for_writing, transaction
from engine.store.models import save_model
from engine.store.samples import BaseCheck, find_base_check, save_base_check
from engine.tasks.measurement import MeasurementContext, model_row
from engine.tasks.resident import sample_of, tokenizer_of

if TYPE_CHECKING:
    from engine.inference.base_check import Nll

LARGE_DIFFERENCE = 0.25
"""Minimum gain in nats per token of another prefix, or of a shorter context, that is reported: without a
beginning-of-text token SmolLM2-135M predicts worse by 0.1, Gemma 3 270M by 2.3."""
LARGE_GAIN = 2.5
"""Minimum gain in nats per token of twice the context that is reported: on SmolLM2-135M and Gemma 3 270M it is 2 for
sequences of 16 tokens, 1.2 to 1.6 for 32, 1 for 64; on SmolLM2-135M 0.5 for 128 and 0.3 for 256."""

NOT_CHECKED = (
    "the base was not checked: an earlier version of dlec measured this, which did not begin sequences as the "
    "tokenizer does; measure again"
)


def check_base(context: MeasurementContext, nll: "Nll", own: Any = None) -> None:
    """Check the base unless the store has the result. nll: runs the base; own: see `checked`."""
    with closing(open_for_reading(context.store)) as connection:
        if find_base_check(connection, context.key) is not None:
            return
    check = _checked(context, nll, own)
    with closing(open_for_writing(context.store)) as db, transaction(db):
        save_model(db, model_row(context.checkpoint))
        save_base_check(db, context.key, check)


def base_answer(check: BaseCheck | None, base_nll: float) -> dict[str, Any]:
    """Return the part of an answer about its base: "ok", "findings" (sentences), and the figures that were compared."""
    sentences = list(findings(check, base_nll))
    figures = asdict(check) if check else {}
    return {"ok": not sentences, "findings": sentences, "base_nll": _number(base_nll), **_numbers(figures)}


def findings(check: BaseCheck | None, base_nll: float) -> Iterator[str]:
    """Yield the reasons why the base predicts worse than it should, what was compared, and what helps; nothing if it
    does not."""
    if check is None:
        yield NOT_CHECKED
        return
    if not math.isfinite(base_nll):
        yield "the base itself computes NaN or infinity: use --dtype float32 if that is wider; if not, it is broken"
        return
    if base_nll >= check.unigram_nll:
        yield (
            f"the base needs {base_nll:.2f} nats a token, the frequencies of the text's tokens alone give "
            f"{check.unigram_nll:.2f}: text, tokenizer and weights do not belong together, or the model is untrained"
        )
    if check.own_nll - check.other_nll > LARGE_DIFFERENCE:
        yield (
            f"the base needs {check.own_nll:.2f} nats a token {_after(check.own_prefix)}, which is how its tokenizer "
            f"begins one, and {check.other_nll:.2f} {_after(check.other_prefix)}: correct the tokenizer's files, for "
            "instance with those of the model that this one was made from"
        )
    yield from _findings_of_context(check)


def _findings_of_context(check: BaseCheck) -> Iterator[str]:
    short, long = check.short_tokens, 2 * check.short_tokens
    compared = (
        f"the base needs {check.short_nll:.2f} nats a token in sequences of {short:,}, and {check.long_nll:.2f} for "
        f"the same tokens in sequences of {long:,}"
    )
    if check.short_nll - check.long_nll > LARGE_GAIN:
        yield f"{compared}: use longer sequences, such as --seq-len {2 * long}"
    if check.long_nll - check.short_nll > LARGE_DIFFERENCE:
        yield (
            f"{compared}: its positions or its attention window are not computed as it was trained; compare its "
            "config.json with the original's"
        )


def _after(begin: str) -> str:
    return f"with {shown(begin)} before a text" if begin else "with nothing before a text"


def _checked(context: MeasurementContext, nll: "Nll", own: Any) -> BaseCheck:
    from engine.inference.base_check import compare_base

    checkpoint, options = context.checkpoint, context.options
    sample, tokenizer = sample_of(checkpoint, options), tokenizer_of(checkpoint)
    sequences = sample.sequences
    prefixes, lengths = compare_base(sample, tokenizer, nll, own)
    nan = math.nan
    return BaseCheck(
        unigram_nll=unigram_nll(sequences.tokens[sequences.is_text].tolist(), len(tokenizer)),
        own_prefix=tokenizer.decode(list(sample.marks.prefix)),
        other_prefix=tokenizer.decode(list(prefixes.other_prefix)) if prefixes else "",
        own_nll=prefixes.own_nll if prefixes else nan,
        other_nll=prefixes.other_nll if prefixes else nan,
        short_tokens=lengths.short_tokens if lengths else 0,
        short_nll=lengths.short_nll if lengths else nan,
        long_nll=lengths.long_nll if lengths else nan,
    )


def _numbers(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in figures.items()}


def _number(value: Any) -> Any:
    """Return None for a value that JSON cannot represent."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
