"""Test whether zero-scaled copies of a family's layers are inert, on a small random model of the family.

The model is built from the checkpoint's config with reduced widths, number of experts and vocabulary; keys that
determine a layer's arithmetic (types, switches, multipliers) are kept. The same model with copies whose residual
writers are zero, as in a plan, must compute the same bits. This detects any effect of a layer besides adding to the
stream.

Runs as a separate process (`python -m engine.inference.inertness`): request {"directory": str}, answer
{"reason": str, "unknown": str}.
"""

import json
import re
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.config import CONFIG_FILE, ModelConfig, parse_config, read_config
from engine.checkpoint.layer_keys import edited_config
from engine.checkpoint.residual import residual_writers
from engine.errors import CheckpointError, DlecError
from engine.inference.library import one_line
from engine.inference.meta_model import built_on_meta, model_class, read_model_config
from engine.inference.virtual import load
from engine.plan.stack import Donor, FactorLevel, Stack, Visit
from engine.protocol import serve
from engine.tensors.library import torch_library

_VOCABULARY = 128
_INNER, _EXPERTS, _CHOSEN = 64, 8, 2

_INNER_WIDTH = re.compile(r"intermediate_size|ffn_dim|ffn_hidden_size|^n_inner$|^d_ff$")
_EXPERT_COUNT = re.compile(r"(^|_)(n|num|zero)_.*experts?(_num)?$|experts_num|^zero_expert_num$|^num_experts$")
_EXPERTS_CHOSEN = re.compile(r"experts?_per_tok|^(moe_)?top_?k(_experts)?$|^moe_k$")
_GROUPS = ("n_group", "topk_group")
_TOKEN = re.compile(r"token_(id|index)s?$")
_VOCABULARY_KEY = re.compile(r"vocab_size")
_TOWER = re.compile(r"vision|audio|speech|image|encoder|qformer")
_WIDTHS = ("hidden_size", "n_embd", "d_model", "embed_dim")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "attention_heads", "encoder_attention_heads")
_KEY_VALUE_HEADS, _FEW_HEADS = "num_key_value_heads", 2
_ALIGNED = 16
"""Divisor of widths that kernels for experts require."""
_TOWER_DEPTH = ("depth", "num_hidden_layers", "num_layers", "encoder_layers")

MOST_PARAMETERS = 40_000_000
"""Maximum number of parameters of a trial model: 160 MB, a few seconds."""
MOST_SECONDS = 60
"""CPU time limit of a trial in seconds."""
_MOST_LAYERS = 6
_TOKENS = 12


class OutOfTime(BaseException):
    """Raised when the processor time of the trial is used up; no handler of errors may catch it."""


def check(request: dict[str, Any]) -> dict[str, Any]:
    """Test a checkpoint directory. reason: why the copies are not inert, or ""; unknown: why the test failed, or ""."""
    source = Path(request["directory"])
    unknown = ""
    try:
        for candidate in _candidates(read_config(source / CONFIG_FILE)):
            try:
                return {"reason": _tried(candidate), "unknown": ""}
            except CheckpointError as error:
                unknown = unknown or error.line
    except OutOfTime:
        unknown = f"the trial took more than {MOST_SECONDS} s of processor time"
    except DlecError as error:
        unknown = unknown or error.line
    return {"reason": "", "unknown": unknown}


def reason_against(checkpoint: Checkpoint) -> str:
    """Return why zero-scaled copies of the layers of a small checkpoint are not inert; "" if they are.

    Raises CheckpointError if that cannot be tested.
    """
    torch = torch_library()
    base, grown = (_logits(load(_stack(checkpoint, copies=copies))) for copies in (0, 1))
    if not torch.isfinite(base).all():
        raise CheckpointError("a small model of the family computes NaN or infinity")
    if torch.equal(grown, base):
        return ""
    moved = float((grown - base).abs().max())
    kind = checkpoint.config.model_type
    return f"zero-scaled copies of its layers changed the logits of a small random {kind} by up to {moved:.2g}"


def _tried(candidate: Mapping[str, Any]) -> str:
    """Return `reason_against` of a random checkpoint with the config.json `candidate`.

    Raises CheckpointError if the family's class rejects the config or the model is too large, MachineError if
    transformers does not know the family.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / CONFIG_FILE).write_text(json.dumps(candidate), encoding="utf-8")
        config = read_model_config(directory)
        parameters = sum(parameter.numel() for parameter in built_on_meta(config).parameters())
        if parameters > MOST_PARAMETERS:
            raise CheckpointError(f"a small model of the family has {parameters:,} parameters")
        _random_model(config).save_pretrained(directory)
        return reason_against(open_checkpoint(directory))


def _candidates(config: ModelConfig) -> Iterator[dict[str, Any]]:
    for depth in dict.fromkeys((min(config.layer_count, _MOST_LAYERS), config.layer_count)):
        try:
            text = edited_config(config, [(config, layer) for layer in range(depth)]).text
        except CheckpointError:
            continue
        short = parse_config(text, config.path)
        for small in small_configs(short.data, short.tower):
            small.pop("quantization_config", None)
            yield small


def _random_model(config: Any) -> Any:
    """Return a random model in float32. Gains and biases are random too, because 0 and 1 could hide effects."""
    torch = torch_library()
    torch.manual_seed(0)
    try:
        model = model_class(config)(config).float()
    except Exception as error:
        raise CheckpointError("transformers cannot build the model", why=one_line(error)) from error
    with torch.no_grad():
        for parameter in model.parameters():
            is_vector = parameter.dim() < 2
            parameter.normal_(0.6 if is_vector else 0.0, 0.3 if is_vector else parameter.shape[-1] ** -0.5)
    return model


def _stack(checkpoint: Checkpoint, copies: int) -> Stack:
    """Return the stack of all layers, each followed by `copies` zero-scaled copies of itself."""
    visits: list[Visit] = []
    for layer in range(checkpoint.layer_count):
        visits.append(Visit.whole(checkpoint, layer, 0))
        levels = (_silenced(checkpoint, layer),) if copies else ()
        visits += [Visit.whole(checkpoint, layer, repeat, levels) for repeat in range(1, copies + 1)]
    return Stack(tuple(visits), Donor(checkpoint), Donor(checkpoint), checkpoint)


def _silenced(checkpoint: Checkpoint, layer: int) -> FactorLevel:
    suffixes = residual_writers(checkpoint, layer)
    return tuple((checkpoint.anatomy.layer_tensor(layer, suffix), 0.0) for suffix in suffixes)


def _logits(model: Any) -> Any:
    torch = torch_library()
    rows = model.get_input_embeddings().weight.shape[0]
    tokens = torch.arange(3, 3 + _TOKENS).remainder(rows)[None]
    try:
        with torch.inference_mode():
            return model(input_ids=tokens, use_cache=False).logits
    except Exception as error:
        raise CheckpointError("a small model of the family does not run", why=one_line(error)) from error


def small_configs(data: Mapping[str, Any], tower: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield candidates, smallest first, since not every class accepts every one. tower: path to the decoder's keys."""
    shrunk = _everywhere(dict(data), _shrunk)
    yield _narrow_towers(_with_decoder(shrunk, tower, _narrow))
    yield _with_decoder(shrunk, tower, _narrow)
    yield shrunk
    yield dict(data)


def _with_decoder(
    data: dict[str, Any], tower: tuple[str, ...], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    if not tower:
        return change(data)
    return {**data, tower[0]: _with_decoder(data[tower[0]], tower[1:], change)}


def _everywhere(data: dict[str, Any], change: Callable[[str, Any], Any], within: str = "") -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            changed[key] = _everywhere(value, change, within or ("tower" if _TOWER.search(key) else ""))
        else:
            changed[key] = 1 if within and key in _TOWER_DEPTH and isinstance(value, int) else change(key, value)
    return changed


def _shrunk(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_shrunk(key, each) for each in value] if _TOKEN.search(key) or _INNER_WIDTH.search(key) else value
    if type(value) is not int:
        return value
    for pattern, most in ((_VOCABULARY_KEY, _VOCABULARY), (_INNER_WIDTH, _INNER), (_EXPERTS_CHOSEN, _CHOSEN)):
        if pattern.search(key):
            return min(value, most)
    if _EXPERT_COUNT.search(key):
        return min(value, _EXPERTS)
    if key in _GROUPS:
        return 1
    return value % _VOCABULARY if _TOKEN.search(key) else value


def _narrow_towers(data: dict[str, Any]) -> dict[str, Any]:
    """Narrow all towers other than the decoder, which are built but never run."""
    return {
        key: _narrow(_narrow_towers(value)) if isinstance(value, dict) and _TOWER.search(key) else value
        for key, value in data.items()
    }


def _narrow(decoder: dict[str, Any]) -> dict[str, Any]:
    """Reduce to two heads of the same width, and adapt the hidden size."""
    width_key, heads_key = _first_int(decoder, _WIDTHS), _first_int(decoder, _HEADS)
    if width_key is None or heads_key is None or decoder[heads_key] <= _FEW_HEADS:
        return decoder
    heads, kept = decoder[heads_key], decoder.get(_KEY_VALUE_HEADS)
    head_width = -(-decoder[width_key] // heads // _ALIGNED) * _ALIGNED
    narrow = {**decoder, heads_key: _FEW_HEADS, width_key: _FEW_HEADS * head_width}
    if type(kept) is int:
        narrow[_KEY_VALUE_HEADS] = _FEW_HEADS if kept == heads else 1
    return narrow


def _first_int(data: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if type(data.get(key)) is int), None)


def _bound_time() -> None:
    """Interrupt the trial after MOST_SECONDS; the system kills the process if a library does not return soon after."""

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)  # the system repeats it every second
        raise OutOfTime

    torch_library().set_num_threads(1)
    signal.signal(signal.SIGXCPU, interrupt)
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 10))


if __name__ == "__main__":
    _bound_time()
    serve(lambda request, _report: check(request))
