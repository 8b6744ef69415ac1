"""Checkpoints of chosen values for comparisons."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.comparison.differences import Difference, Workspace, difference
from engine.comparison.pairing import Pair
from engine.comparison.sides import Place, Weights
from engine.plan.check import check_plan
from engine.plan.outputs import Scaling
from engine.plan.stack import Stack
from tests.tiny import write_llama

Tensors = dict[str, torch.Tensor]


def base(directory: Path, *, layers: int = 6, dtype: str = "BF16", seed: int = 0, hidden: int = 32) -> Path:
    """A llama whose layers are all different, with normal weights."""
    write_llama(directory, layers=layers, hidden=hidden, intermediate=2 * hidden, vocab=40, dtype=dtype, seed=seed)
    generator = torch.Generator().manual_seed(seed)

    def drawn(tensor: torch.Tensor) -> torch.Tensor:
        return (torch.randn(tensor.shape, generator=generator) * 0.02).to(tensor.dtype)

    rewrite(directory, {name: drawn(tensor) for name, tensor in tensors_in(directory).items()})
    return directory


def tensors_in(directory: Path) -> Tensors:
    return load_file(directory / "model.safetensors")


def rewrite(directory: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, directory / "model.safetensors")


def changed(source: Path, directory: Path, changes: Mapping[str, torch.Tensor]) -> Path:
    """A copy of a checkpoint with some tensors replaced."""
    shutil.copytree(source, directory)
    rewrite(directory, tensors_in(source) | dict(changes))
    return directory


def trained(source: Path, directory: Path, noise: float, seed: int = 1) -> Path:
    """A copy whose tensors all moved by `noise` times their standard deviation."""
    generator = torch.Generator().manual_seed(seed)

    def moved(tensor: torch.Tensor) -> torch.Tensor:
        size = max(float(tensor.float().std()), 1e-3)
        return (tensor.float() + noise * size * torch.randn(tensor.shape, generator=generator)).to(tensor.dtype)

    return changed(source, directory, {name: moved(tensor) for name, tensor in tensors_in(source).items()})


def stack_of(plan: str, checkpoint: Checkpoint) -> Stack:
    return check_plan(plan, lambda _: checkpoint).require_stack()


def pair_of(directory: Path, before: torch.Tensor, after: torch.Tensor, factor: float | None = None) -> Pair:
    """Two tensors on disk; `factor`: scale that a plan gives the first one."""
    directory.mkdir(exist_ok=True)
    for name, tensor in (("before", before), ("after", after)):
        write_llama(directory / name, layers=1)
        save_file({"t": tensor.contiguous()}, directory / name / "model.safetensors")
    from engine.checkpoint.formats.safetensors_header import read_header

    stored = [read_header(directory / name / "model.safetensors").tensors[0] for name in ("before", "after")]
    scaling = None if factor is None else Scaling(factor)
    return Pair(Place(0, "t"), Weights(stored[0], 0, scaling), Weights(stored[1], 0))


def compared(directory: Path, before: torch.Tensor, after: torch.Tensor, factor: float | None = None) -> Difference:
    return difference(pair_of(directory, before, after, factor), Workspace())


def opened(directory: Path) -> Checkpoint:
    return open_checkpoint(directory)
