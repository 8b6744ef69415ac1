"""Thresholds and periods: numbers that make a kind of each layer, replaced by others that give the required kinds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.checkpoint.layer_keys.defaults import makes_up
from engine.checkpoint.layer_keys.draft import Described, Draft, Visits, refused, sequence_text, silent

Settings: TypeAlias = Mapping[str, Any]
"""The values of a scheme's keys."""


@dataclass(frozen=True)
class Scheme:
    """A few keys that together determine which layers are of a special kind."""

    is_special: Callable[[Settings, int, int], bool]
    """Return True for a special layer, given settings, layer and layer count."""
    others: Callable[[Settings, Sequence[bool]], Iterator[dict[str, Any]]]
    """Changes to the settings that may give the required kinds, the smallest first."""
    defaults: Mapping[str, Any]
    """Every key, with the value that it has when only its companions are given."""
    class_defaults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Defaults of the class for keys that config.json omits, by model type."""
    superseded_by: str = ""
    """A per-layer list that is read instead, where there is one."""
    special: str = "special"
    """Name of a layer for which `is_special` holds."""

    def kinds(self, described: Described) -> list[bool] | None:
        """Flag per layer: is it special; None if no key determines it."""
        settings = self._settings(described)
        if settings is None:
            return None
        try:
            return [self.is_special(settings, i, described.layer_count) for i in range(described.layer_count)]
        except (TypeError, IndexError):
            return None

    def _settings(self, described: Described) -> Settings | None:
        given = {key: described.decoder[key] for key in self.defaults if described.decoder.get(key) is not None}
        family = self.class_defaults.get(described.model_type, {})
        return {**self.defaults, **family, **given} if given or family else None

    def is_superseded(self, described: Described) -> bool:
        key = self.superseded_by
        return bool(key) and (bool(described.decoder.get(key)) or makes_up(key, described.model_type))

    def solve(self, draft: Draft, target: Sequence[bool]) -> None:
        settings = self._settings(draft.donor) or self.defaults
        for change in self.others(settings, target):
            attempt = Draft(draft.donor, draft.layer_count, dict(draft.changes))
            for key, value in change.items():
                if settings[key] != value:
                    attempt.set((key,), value)
            if self.kinds(attempt.now) == list(target):
                draft.changes = attempt.changes
                return
        names = [self.special if kind else "other" for kind in target]
        raise refused(
            "`, `".join(self.defaults),
            f"no value gives the required layers {sequence_text(names)}",
            "Choose slices that keep the rhythm of these layers.",
        )


def rewrite(draft: Draft, visits: Visits) -> None:
    """Find values that give each layer its source's kind. Raises CheckpointError if no values do."""
    for scheme in SCHEMES:
        kinds = {id(source): scheme.kinds(source) for source in visits.sources}
        if all(flags is None for flags in kinds.values()) or scheme.is_superseded(draft.now):
            continue
        target = []
        for source, layer in visits:
            flags = kinds[id(source)]
            if flags is None:
                raise silent(next(iter(scheme.defaults)), source)
            target.append(flags[layer])
        if scheme.kinds(draft.now) != target:
            scheme.solve(draft, target)


def _every(layer: int, period: int) -> bool:
    return period > 0 and layer % period == 0


def _first(target: Sequence[bool]) -> int:
    """Number of the first special layer; the layer count if no layer is special."""
    return target.index(True) if True in target else len(target)


def _is_sparse_deepseek(settings: Settings, layer: int, _: int) -> bool:
    frequency = settings["moe_layer_freq"]
    chosen = bool(frequency[layer]) if isinstance(frequency, list) else _every(layer, frequency)
    return layer >= settings["first_k_dense_replace"] and chosen


def _other_deepseek(settings: Settings, target: Sequence[bool]) -> Iterator[dict[str, Any]]:
    yield {"first_k_dense_replace": _first(target)}
    if not isinstance(settings["moe_layer_freq"], list):
        yield {"first_k_dense_replace": _first(target), "moe_layer_freq": 1}


def _is_sparse_qwen(settings: Settings, layer: int, _: int) -> bool:
    return layer not in settings["mlp_only_layers"] and _every(layer + 1, settings["decoder_sparse_step"])


def _other_qwen(_: Settings, target: Sequence[bool]) -> Iterator[dict[str, Any]]:
    dense = [layer for layer, is_sparse in enumerate(target) if not is_sparse]
    yield {"mlp_only_layers": dense, "decoder_sparse_step": 1}


def _is_sparse_llama4(settings: Settings, layer: int, _: int) -> bool:
    listed = settings["moe_layers"]
    return layer in listed if listed is not None else _every(layer + 1, settings["interleave_moe_layer_step"])


def _other_llama4(_: Settings, target: Sequence[bool]) -> Iterator[dict[str, Any]]:
    yield {"moe_layers": [layer for layer, is_sparse in enumerate(target) if is_sparse]}


def _is_sparse_ernie(settings: Settings, layer: int, count: int) -> bool:
    start, end = settings["moe_layer_start_index"], settings["moe_layer_end_index"]
    last = count - 1 if end == -1 else end
    return start <= layer <= last and _every(layer + 1, settings["moe_layer_interval"])


def _other_ernie(_: Settings, target: Sequence[bool]) -> Iterator[dict[str, Any]]:
    start = _first(target)
    yield {"moe_layer_start_index": start}
    end = max((layer for layer, is_sparse in enumerate(target) if is_sparse), default=start)
    yield {"moe_layer_start_index": start, "moe_layer_end_index": end}
    yield {"moe_layer_start_index": start, "moe_layer_end_index": end, "moe_layer_interval": 1}


def _threshold(key: str, defaults: Mapping[str, Mapping[str, Any]], special: str) -> Scheme:
    """Layers from number `key` on are special."""
    return Scheme(
        lambda settings, layer, _: layer >= settings[key],
        lambda _, target: iter([{key: _first(target)}]),
        {key: 0},
        defaults,
        special=special,
    )


def _period_and_offset(prefix: str, defaults: Mapping[str, Mapping[str, Any]], special: str) -> Scheme:
    """Jamba: the layers at `offset`, `offset + period`, ..."""
    period, offset = f"{prefix}_period", f"{prefix}_offset"

    def others(_: Settings, target: Sequence[bool]) -> Iterator[dict[str, Any]]:
        first = _first(target)
        second = _first(target[first + 1 :]) + 1
        yield {period: max(second, first + 1), offset: first}

    return Scheme(
        lambda settings, layer, _: settings[period] > 0 and layer % settings[period] == settings[offset],
        others,
        {period: 1, offset: 0},
        defaults,
        superseded_by="layers_block_type",
        special=special,
    )


def _closing_period(key: str, superseded_by: str, special: str) -> Scheme:
    """The last of every `key` layers."""
    return Scheme(
        lambda settings, layer, _: _every(layer + 1, settings[key]),
        lambda _, target: iter([{key: _first(target) + 1}]),
        {key: 0},
        superseded_by=superseded_by,
        special=special,
    )


SCHEMES = (
    Scheme(
        _is_sparse_deepseek,
        _other_deepseek,
        {"first_k_dense_replace": 0, "moe_layer_freq": 1},
        {
            "deepseek_v2": {"first_k_dense_replace": 0},
            "deepseek_v3": {"first_k_dense_replace": 3},
            "dots1": {"first_k_dense_replace": 0},
            "glm4_moe": {"first_k_dense_replace": 1},
            "glm4v_moe_text": {"first_k_dense_replace": 1},
            "mistral4": {"first_k_dense_replace": 0},
        },
        "mlp_layer_types",
        "sparse",
    ),
    _threshold(
        "num_dense_layers", {"afmoe": {"num_dense_layers": 1}, "lfm2_moe": {"num_dense_layers": 2}}, special="sparse"
    ),
    Scheme(
        _is_sparse_qwen,
        _other_qwen,
        {"mlp_only_layers": [], "decoder_sparse_step": 1},
        {"flint": {"mlp_only_layers": [0, 1]}},
        special="sparse",
    ),
    Scheme(
        _is_sparse_llama4,
        _other_llama4,
        {"moe_layers": None, "interleave_moe_layer_step": 1},
        {"llama4_text": {"interleave_moe_layer_step": 1}},
        special="sparse",
    ),
    Scheme(
        _is_sparse_ernie,
        _other_ernie,
        {"moe_layer_start_index": 1, "moe_layer_end_index": -1, "moe_layer_interval": 1},
        {"ernie4_5_moe": {"moe_layer_start_index": 1}},
        special="sparse",
    ),
    _period_and_offset("attn_layer", {"jamba": {"attn_layer_period": 8, "attn_layer_offset": 4}}, "attention"),
    _period_and_offset("expert_layer", {"jamba": {"expert_layer_period": 2, "expert_layer_offset": 1}}, "experts"),
    Scheme(
        lambda settings, layer, _: bool(settings["use_sliding_window"]) and layer >= settings["max_window_layers"],
        lambda _, target: iter([{"max_window_layers": _first(target)}]),
        {"max_window_layers": 0, "use_sliding_window": False},
        superseded_by="layer_types",
        special="sliding",
    ),
    _closing_period("sliding_window_pattern", "layer_types", "full attention"),
    _closing_period("global_attn_every_n_layers", "layer_types", "full attention"),
    _closing_period("full_attention_interval", "layer_types", "full attention"),
    _closing_period("layer_group_size", "layer_types", "full attention"),
    _closing_period("no_rope_layer_interval", "no_rope_layers", "without RoPE"),
)
