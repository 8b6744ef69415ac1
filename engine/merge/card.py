"""The model card: README.md in the form that the Hub and its readers know, with the plan in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import yaml

from engine.checkpoint.checkpoint import Checkpoint
from engine.errors import shown
from engine.plan.kept import kept_in_words, kept_tensors
from engine.plan.stack import Part, Stack
from engine.units import plural

CARD_FILE = "README.md"
PLAN_FILE = "mergekit_config.yml"
"""Name that mergekit gives the plan, known to other tools."""


@dataclass(frozen=True, slots=True)
class WrittenSlice:
    """A run of new layers that came from one run of layers of one checkpoint."""

    checkpoint: Checkpoint
    start: int
    """First source layer."""
    end: int
    """End of the source layers, exclusive."""
    new_start: int
    """Layer of the new model where it begins."""
    is_scaled: bool

    @property
    def new_end(self) -> int:
        return self.new_start + self.end - self.start


def card_text(stack: Stack, plan_text: str, name: str) -> str:
    """The README.md of a new model called `name`."""
    return "\n".join([_front_matter(stack), *_body(stack, name), *_plan(plan_text)])


def _front_matter(stack: Stack) -> str:
    """base_model holds hub ids only: the hub links them, and rejects local paths."""
    ids = [hub for checkpoint in stack.checkpoints if (hub := hub_id(checkpoint))]
    facts: dict[str, object] = {"base_model": ids} if ids else {}
    facts |= {"library_name": "transformers", "tags": ["merge", "mergekit", "dlec"]}
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n"


def _body(stack: Stack, name: str) -> Iterator[str]:
    bases = dict.fromkeys(_code(public_name(checkpoint)) for checkpoint in stack.checkpoints)
    yield f"# {shown(name)}\n"
    yield f"A stack of {len(stack.visits)} layers of {', '.join(bases)}, written by dlec.\n"
    yield "Nothing here says that it is better than what it was made from.\n"
    yield "| new layers | checkpoint | its layers | scaled |"
    yield "|---|---|---|---|"
    yield from (_row(slice_) for slice_ in written_slices(stack))
    yield ""
    yield from _parts(stack)
    yield f"Embeddings come from {_code(public_name(stack.embedding.checkpoint))},"
    yield f"final norm and language head from {_code(public_name(stack.head.checkpoint))},"
    yield f"config and tokenizer from {_code(public_name(stack.config_donor))}.\n"
    for patch in stack.patches:
        tensors = plural(len(patch.tensors), "tensor")
        yield f"Patch {_code(patch.path.name)} (SHA-256 `{patch.fingerprint}`) replaces {tensors}.\n"
    if kept := kept_tensors(stack):
        yield f"Not cast, but kept as the source stores them: {_code(kept_in_words(kept))}.\n"


def _parts(stack: Stack) -> Iterator[str]:
    """Lines about layers that are made of several checkpoints' layers."""
    for number, visit in enumerate(stack.visits):
        for part in visit.parts[1:]:
            source = f"layer {part.layer} of {_code(public_name(part.checkpoint))}"
            yield f"Layer {number} takes {_taken(part)} from {source}.\n"


def _taken(part: Part) -> str:
    """Roles of the tensors that a part gives, or their modules if a graft chooses them."""
    if part.given:
        return ", ".join(dict.fromkeys(suffix.rpartition(".")[0] for suffix in part.suffixes))
    return " and ".join(sorted(role.value for role in part.roles))


def _row(slice_: WrittenSlice) -> str:
    new, source = _range(slice_.new_start, slice_.new_end), _range(slice_.start, slice_.end)
    return f"| {new} | {_code(public_name(slice_.checkpoint))} | {source} | {'yes' if slice_.is_scaled else 'no'} |"


def _range(start: int, end: int) -> str:
    return f"{start}" if end == start + 1 else f"{start}–{end - 1}"  # noqa: RUF001 (an en dash, as in print)


def _code(name: str) -> str:
    return f"`{shown(Path(name)).replace('`', '').replace('|', '')}`"


def _plan(plan_text: str) -> Iterator[str]:
    fence = "```"
    while fence in plan_text:
        fence += "`"
    yield "## Plan\n"
    yield f"{fence}yaml"
    yield plan_text.rstrip("\n")
    yield f"{fence}\n"


def written_slices(stack: Stack) -> Iterator[WrittenSlice]:
    """The slices of the plan that gave layers, from bottom to top."""
    numbered = enumerate(stack.visits)
    for _, group in groupby(numbered, key=lambda item: item[1].slice_index):
        members = list(group)
        (new_start, first), (_, last) = members[0], members[-1]
        is_scaled = any(visit.is_scaled for _, visit in members)
        yield WrittenSlice(first.checkpoint, first.layer, last.layer + 1, new_start, is_scaled)


def public_name(checkpoint: Checkpoint) -> str:
    """The hub id of a checkpoint in the hub's cache; otherwise the name of its directory, without the path."""
    return hub_id(checkpoint) or checkpoint.directory.resolve().name


def hub_id(checkpoint: Checkpoint) -> str | None:
    """ "org/name" for a snapshot of the hub's cache, laid out as models--org--name/snapshots/COMMIT."""
    repository = _repository(checkpoint.directory)
    return repository.name.removeprefix("models--").replace("--", "/", 1) if repository else None


def _repository(directory: Path) -> Path | None:
    snapshots = directory.absolute().parent
    is_cached = snapshots.name == "snapshots" and snapshots.parent.name.startswith("models--")
    return snapshots.parent if is_cached else None
