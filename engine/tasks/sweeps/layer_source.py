"""Source of a sweep's layers: an open model, or its files, layer by layer, if it does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.errors import MachineError
from engine.machine.memory import memory
from engine.tasks.resident import is_open, model_of
from engine.tasks.sweeps.sweep_spec import SweepSpec
from engine.text.corpus import Split

_USED = 0.8
"""Usable share of free memory: the rest is for other processes."""
_FOR_STATES = 1.2
"""Share of the weights that must be free in addition to them for a model to be opened whole."""
_DTYPE_BYTES = {"float64": 8, "float32": 4}
_HALF_BYTES = 2


@dataclass(frozen=True)
class LayerSource:
    """Layers of one checkpoint, and the available memory for a sweep over them."""

    spec: SweepSpec

    @property
    def layers(self) -> Any:
        """ResidentLayers or StreamedLayers of engine.inference.wavefront: the first of `parts`."""
        return self.parts[0]

    @cached_property
    def parts(self) -> Sequence[Any]:
        """Layers on each device that computes alone: several GPUs share a sweep if each holds the whole model,
        otherwise the model is spread over them. Raises whatever opening the model raises."""
        from engine.inference.wavefront.layers import ResidentLayers
        from engine.inference.wavefront.streamed import StreamedLayers

        spec = self.spec
        if not self.is_resident:
            return [StreamedLayers(spec.checkpoint, self._dtype, self._device)]
        devices = self.devices if self.is_shared else (spec.options.device,)
        settings = [replace(spec.options, device=device) for device in devices]
        return [ResidentLayers(spec.checkpoint, model_of(spec.checkpoint, options)) for options in settings]

    @cached_property
    def is_shared(self) -> bool:
        """True if several devices each hold the whole model."""
        return len(self.devices) > 1 and all(self._holds_model(_free(device)) for device in self.devices)

    @cached_property
    def is_resident(self) -> bool:
        """True if the budget holds the whole model; a set of GPUs always does."""
        return len(self.devices) > 1 or self._holds_model(self._budget)

    @property
    def devices(self) -> tuple[str, ...]:
        """One device, or each of a set of GPUs."""
        from engine.inference.devices import devices_named

        return devices_named(self._device)

    @property
    def memory(self) -> int:
        """Bytes for everything except a resident model's weights; per device if devices share a sweep."""
        return self._budget - self._weights if self.is_resident else self._budget

    def _holds_model(self, nbytes: int) -> bool:
        return self._weights * _FOR_STATES <= nbytes

    @cached_property
    def _budget(self) -> int:
        if self.spec.memory is not None:
            return self.spec.memory
        used = self._weights if is_open(self.spec.checkpoint, self.spec.options) else 0
        free = min(map(_free, self.devices)) if self.is_shared else _free(self._device)
        return int(_USED * free) + used

    @property
    def _weights(self) -> int:
        return self.spec.checkpoint.parameters * _DTYPE_BYTES.get(self._dtype, _HALF_BYTES)

    @property
    def _dtype(self) -> str:
        return self.spec.on(Split.SELECTION).dtype

    @property
    def _device(self) -> str:
        from engine.inference.devices import chosen_device

        return chosen_device(self.spec.options.device)


def _free(device: str) -> int:
    """Return the free bytes. Raises MachineError if the system does not report them."""
    from engine.inference.devices import free_bytes

    if device.startswith("cuda"):
        return free_bytes(device)
    try:
        return memory().available
    except (OSError, KeyError, ValueError) as error:
        raise MachineError(
            "how much memory is free cannot be found out", why=str(error), fix="Say how much may be used: --memory."
        ) from error
