"""Check a plan's tokenizer settings: a stack has the tokenizer of the config donor, whose files are copied.

mergekit rearranges the rows of embeddings and head for another tokenizer, and fails on stacks of several models. dlec
keeps rows unchanged, so it accepts a setting only if no row has to be rearranged.
"""

import filecmp
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.checkpoint.anatomy import End, is_token_embedding
from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.model import Plan, TokenizerWish
from engine.plan.problems import Problem, Severity
from engine.plan.syntax.document import LEAVE_OUT

RULE = "tokenizer"
VOCABULARY_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
"""Files that map tokens to rows, in order of preference."""


def check(plan: Plan, checkpoints: Mapping[str, Checkpoint]) -> Iterator[Problem]:
    settings = plan.tokenizer
    if settings is not None:
        yield from _sources(settings, plan, checkpoints)
        yield from _padding(settings, checkpoints[plan.slices[0].model])


def _sources(settings: TokenizerWish, plan: Plan, checkpoints: Mapping[str, Checkpoint]) -> Iterator[Problem]:
    """Yield checkpoints that give rows or the tokenizer and have another vocabulary than the donor."""
    donor = checkpoints[plan.donor]
    references = {"base": (), "union": plan.models}.get(settings.source, (settings.source,))
    ends = (plan.slices[0].model, plan.slices[-1].model)
    for reference in dict.fromkeys((*references, *ends)):
        if not _is_same_vocabulary(checkpoints[reference].directory, donor.directory):
            message = _difference(reference, plan.donor, checkpoints)
            fix = f"Transplant one tokenizer first (mergekit-tokensurgeon). {LEAVE_OUT}"
            yield Problem(RULE, Severity.ERROR, message, settings.source_place, fix)


def _difference(reference: str, donor: str, checkpoints: Mapping[str, Checkpoint]) -> str:
    for each in (donor, reference):
        if not any((checkpoints[each].directory / name).is_file() for name in VOCABULARY_FILES):
            return f"{shown(each)} has no tokenizer: the tokens of its rows are unknown"
    return f"the tokenizers of {shown(reference)} and {shown(donor)} differ: rows would have to be moved or added"


def _padding(settings: TokenizerWish, embedding: Checkpoint) -> Iterator[Problem]:
    multiple = settings.pad_to_multiple_of
    names = [name for name in embedding.anatomy.names_of_end(End.EMBEDDING) if is_token_embedding(name)]
    if multiple is None or not names:
        return
    rows = embedding.tensors[names[0]].shape[0]
    if rows % multiple:
        padded = -(-rows // multiple) * multiple
        message = f"{rows:,} rows are not a multiple of {multiple}: {padded - rows} would have to be added"
        fix = f"Pad the model first: model.resize_token_embeddings({padded}) in transformers. Or remove this key."
        yield Problem(RULE, Severity.ERROR, message, settings.pad_place, fix)


def _is_same_vocabulary(one: Path, other: Path) -> bool:
    if one.resolve() == other.resolve():
        return True
    name = next((name for name in VOCABULARY_FILES if (other / name).is_file()), None)
    if name is None or not (one / name).is_file():
        return False
    return filecmp.cmp(one / name, other / name, shallow=False) or _is_same_json(one / name, other / name)


def _is_same_json(one: Path, other: Path) -> bool:
    """Return True if two tokenizer.json assign the same ids."""
    tokens = _tokens(one), _tokens(other)
    return tokens[0] is not None and tokens[0] == tokens[1]


def _tokens(path: Path) -> object:
    try:
        data = json.loads(path.read_bytes())
        return data["model"]["vocab"], [(token["id"], token["content"]) for token in data["added_tokens"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None
