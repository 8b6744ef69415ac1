"""Short patterns that a model repeats up to its depth: written out in full where the stack breaks the rhythm."""

from collections.abc import Callable, Sequence
from typing import Any

from engine.checkpoint.layer_keys.draft import Described, Draft, Visits, refused, silent


def untile(draft: Draft, visits: Visits) -> None:
    """Rewrite `block_types` (recurrent_gemma: tiled) and `attention_types` (gpt_neo: [[pattern, times], ...])."""
    _rewrite(draft, visits, "block_types", _tiled, lambda kinds: list(kinds))
    _rewrite(draft, visits, "attention_types", _expanded, lambda kinds: [[list(kinds), 1]])


def _rewrite(
    draft: Draft,
    visits: Visits,
    key: str,
    read: Callable[[str, Described], list[Any] | None],
    spelled: Callable[[Sequence[Any]], list[Any]],
) -> None:
    values = {id(source): read(key, source) for source in visits.sources}
    if all(found is None for found in values.values()):
        return
    wanted = []
    for source, layer in visits:
        kinds = values[id(source)]
        if kinds is None:
            raise silent(key, source)
        wanted.append(kinds[layer])
    if read(key, draft.now) != wanted:
        draft.set((key,), spelled(wanted))


def _tiled(key: str, described: Described) -> list[Any] | None:
    pattern = described.decoder.get(key)
    if not isinstance(pattern, list) or not pattern:
        return None
    times = -(-described.layer_count // len(pattern))
    return (pattern * times)[: described.layer_count]


def _expanded(key: str, described: Described) -> list[Any] | None:
    groups = described.decoder.get(key)
    if not isinstance(groups, list):
        return None
    try:
        return [kind for kinds, times in groups for _ in range(times) for kind in kinds]
    except (TypeError, ValueError) as error:
        raise refused(key, f"{described.name} does not spell it as [[pattern, times], ...]") from error
