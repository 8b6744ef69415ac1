"""What "auto" computes in."""

from pathlib import Path

import pytest

from engine.tasks import measurement_options
from engine.tasks.measurement_options import auto_dtype


@pytest.fixture
def cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a machine without GPU whose CPU has these features."""
    monkeypatch.setattr(measurement_options, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(measurement_options, "_has_gpu", lambda: False)

    def made(features: str) -> None:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{features}\n\nprocessor\t: 1\n{features}\n")

    return made


@pytest.mark.parametrize("device", ["auto", "cpu"])
@pytest.mark.parametrize("stored", ["bfloat16", "float16"])
def test_halves_are_computed_in_float32_where_the_cpu_has_no_instructions_for_them(cpu, stored, device) -> None:
    cpu("flags\t\t: fpu avx avx2 f16c")
    assert auto_dtype(stored, device, 1000) == "float32"


@pytest.mark.parametrize(
    ("stored", "features"),
    [
        ("bfloat16", "flags\t\t: avx512f avx512_bf16"),
        ("float16", "flags\t\t: avx512f avx512_fp16"),
        ("bfloat16", "Features\t: fp asimd bf16"),
        ("float16", "Features\t: fp asimdhp"),
        ("float32", "flags\t\t: avx2"),
        ("float64", "flags\t\t: avx2"),
    ],
)
def test_what_the_cpu_is_quick_with_stays(cpu, stored, features) -> None:
    cpu(features)
    assert auto_dtype(stored, "cpu", 1000) == stored


def test_a_gpu_computes_in_what_is_stored(cpu, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu("flags\t\t: avx2")
    assert auto_dtype("bfloat16", "cuda:1", 1000) == "bfloat16"
    monkeypatch.setattr(measurement_options, "_has_gpu", lambda: True)
    assert auto_dtype("bfloat16", "auto", 1000) == "bfloat16"
    assert auto_dtype("bfloat16", "cpu", 1000) == "float32"


def test_a_model_too_large_for_float32_stays_as_it_is(cpu) -> None:
    cpu("flags\t\t: avx2")
    assert auto_dtype("bfloat16", "cpu", 10**15) == "bfloat16"


@pytest.mark.usefixtures("cpu")
def test_a_system_that_does_not_tell_is_taken_at_its_best() -> None:
    assert auto_dtype("bfloat16", "cpu", 1000) == "bfloat16"
