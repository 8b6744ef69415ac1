"""Checks of torch and transformers: versions, and the devices of torch. Neither is imported here."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version

from dlec_tui.doctor.graphics import in_words
from dlec_tui.doctor.result import Finding, fine, note, problem
from engine.errors import shown
from engine.machine.gpus import Gpu, installed_gpus
from engine.machine.torch_devices import TorchDevices, torch_devices
from engine.units import plural


def look_at_torch() -> Finding:
    installed = installed_version("torch")
    result = version_finding("torch", installed, wanted_versions("torch", _our_requirements()))
    return result if installed is None or result.fix else torch_finding(installed, torch_devices(), installed_gpus())


def look_at_transformers() -> Finding:
    installed = installed_version("transformers")
    return version_finding("transformers", installed, wanted_versions("transformers", _our_requirements()))


def version_finding(name: str, installed: str | None, required: str) -> Finding:
    """installed: None if missing; required: supported versions in pip syntax, "" for any."""
    from packaging.specifiers import SpecifierSet

    install = f"pip install '{name}{required}'"
    if installed is None:
        return note(
            "not installed: no measuring, previewing or load checks",
            f"Planning, checking and merging unscaled plans work without it. Otherwise:\n  {install}",
        )
    if not SpecifierSet(required).contains(installed, prereleases=True):
        return problem(f"{shown(installed)}, but dlec needs {required}", f"Install a supported version:\n  {install}")
    return fine(shown(installed))


def torch_finding(installed: str, seen: TorchDevices, present: Sequence[Gpu]) -> Finding:
    """present: GPUs of the host, whether torch sees them or not."""
    built_for = f" for {shown(seen.built_for)}" if seen.built_for else ""
    name, cpu = f"{shown(installed)}{built_for}", f"the CPU ({plural(seen.threads, 'thread')})"
    if seen.gpus:
        return fine(f"{name}: {in_words(seen.gpus)}, and {cpu}")
    if not present:
        return fine(f"{name}: {cpu}")
    value = f"{name}: only {cpu}, although this host has {plural(len(present), 'GPU')}"
    if not seen.built_for:
        usual = "This is a CPU-only build. Install the default build:\n  pip install --force-reinstall torch"
        return problem(value, usual)
    return problem(
        f"{value}: {shown(seen.error)}",
        "CUDA_VISIBLE_DEVICES may hide them, or the driver is too old for this torch.",
    )


def installed_version(name: str) -> str | None:
    """Version of an installed package; None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def wanted_versions(name: str, requirements: Sequence[str]) -> str:
    """Version specifier for a package among requirement lines; "" if it is not listed."""
    from packaging.requirements import Requirement

    parsed = map(Requirement, requirements)
    return next((str(each.specifier) for each in parsed if each.name == name and each.marker is None), "")


def _our_requirements() -> list[str]:
    """Requirements of dlec; empty if dlec runs without being installed."""
    return (requires("dlec") or []) if installed_version("dlec") else []
