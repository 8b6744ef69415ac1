"""Tensor names as the model's class gives them, without the modules that training tools wrap around it.

torch.compile, DDP, FSDP, activation checkpointing, PEFT and Lightning each put a module of their own around a model or
around its blocks, and a state dict that is saved as it is carries their names: `_orig_mod.model.norm.weight`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from engine.checkpoint.formats.format import StoredTensor

_ANYWHERE = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\.")
_REPEATED = re.compile(r"(?:(?<=\.)|^)(language_model\.)(?:\1)+")
_AROUND_ANYTHING = ("module.", "base_model.model.")
"""No model class has a module of this name around everything else."""
_AROUND_A_MODEL = re.compile(
    r"(?:_model|_module|actor|backbone|base_model|causal_lm|critic|ema|generator|llm|lm|model|module|net|network|policy|"
    r"pretrained_model|state_dict|student|teacher|transformer)\."
)
_INSIDE = re.compile(r"(?:(?<=\.)|^)module\.(?=(?:layers|h|blocks)\.\d)|(?<=\d\.)module\.")
"""Around the list of layers, or around a single one."""
_MODEL = re.compile(r"(model|transformer|gpt_neox)\.")
_MODEL_OR_HEAD = re.compile(r"(model|transformer|gpt_neox|lm_head|embed_out|score|v_head)\.")


def unwrapped(tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The same tensors, each under the name that the model's class gives it.

    Names are left as they are where two of them would become one.
    """
    names = dict(zip(tensors, _unwrapped_names(list(tensors)), strict=True))
    if len(set(names.values())) < len(names):
        return dict(tensors)
    return {new: _renamed(tensor, new) for new, tensor in zip(names.values(), tensors.values(), strict=True)}


def wrapping_of(tensors: Iterable[StoredTensor]) -> tuple[str, int]:
    """A stored name that carries a wrapper's, and how many tensors have such a name; ("", 0) for none."""
    wrapped = [tensor.wrapped_name for tensor in tensors if tensor.wrapped_name]
    return (wrapped[0], len(wrapped)) if wrapped else ("", 0)


def _renamed(tensor: StoredTensor, name: str) -> StoredTensor:
    return tensor if tensor.name == name else tensor._replace(name=name, wrapped_name=tensor.name)


def _unwrapped_names(names: Sequence[str]) -> list[str]:
    plain = [_REPEATED.sub(r"\1", _INSIDE.sub("", _ANYWHERE.sub("", name))) for name in names]
    while prefix := _prefix_around(plain):
        plain = [name.removeprefix(prefix) for name in plain]
    return plain


def _prefix_around(names: Sequence[str]) -> str:
    """Prefix that a wrapper has put before every name, or ""."""
    if not names:
        return ""
    for prefix in _AROUND_ANYTHING:
        if all(name.startswith(prefix) for name in names):
            return prefix
    return next((prefix for prefix in _wrapping_prefixes(names[0]) if _is_around_a_model(prefix, names)), "")


def _wrapping_prefixes(name: str) -> Iterator[str]:
    """Beginnings of a name that may be the prefix of one wrapper or of several."""
    end = 0
    while match := _AROUND_A_MODEL.match(name, end):
        end = match.end()
        yield name[:end]


def _is_around_a_model(prefix: str, names: Sequence[str]) -> bool:
    """`model.` around `model.layers...` and `lm_head`; alone, it is a decoder's own name."""
    if not all(name.startswith(prefix) for name in names):
        return False
    inner = [name.removeprefix(prefix) for name in names]
    decoder = re.compile(r"model\.") if prefix == "model." else _MODEL
    return any(map(decoder.match, inner)) and all(map(_MODEL_OR_HEAD.match, inner))
