"""Differences of two tensors, checked against float64 arithmetic in torch."""

import math
from pathlib import Path

import pytest
import torch

from engine.checkpoint.formats.registry import FORMATS
from engine.comparison.elements import PIECE, has_values
from engine.comparison.spectrum import spectrum
from tests.comparison.weights import compared, pair_of

DTYPES = [torch.float32, torch.bfloat16, torch.float16, torch.float64]
LENGTHS = [1, 7, 4096, PIECE + 8193]


def drawn(length: int, dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    return (torch.randn(length, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 0.02).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("step", [3e-4, 3.0])
def test_values_are_those_of_float64_arithmetic(tmp_path: Path, dtype: torch.dtype, length: int, step: float) -> None:
    before = drawn(length, dtype)
    after = (before.double() + step * drawn(length, torch.float64, seed=1)).to(dtype)
    result = compared(tmp_path, before, after)
    a, b = before.double(), after.double()
    d = b - a
    assert (result.elements, result.finite) == (length, length)
    assert result.identical == int((before == after).sum())
    assert result.sign_flips == int((a * b < 0).sum())
    assert result.rms == pytest.approx(float(d.square().mean().sqrt()), rel=1e-6)
    assert result.relative == pytest.approx(float(d.norm() / a.norm()), rel=1e-6)
    assert result.base_rms == pytest.approx(float(a.square().mean().sqrt()), rel=1e-6)
    assert result.largest == pytest.approx(float(d.abs().max()), rel=1e-6)
    assert result.cosine == pytest.approx(float(a @ b / a.norm() / b.norm()), abs=1e-6)
    assert result.fit == pytest.approx(float(a @ b / (a @ a)), abs=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_tensors_differ_by_nothing(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = drawn(PIECE + 5, dtype)
    result = compared(tmp_path, tensor, tensor.clone())
    assert (result.rms, result.relative, result.largest, result.sign_flips) == (0.0, 0.0, 0.0, 0)
    assert (result.identical, result.cosine, result.fit) == (PIECE + 5, 1.0, pytest.approx(1.0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("place", [0, 1, PIECE - 1, PIECE, 2 * PIECE + 2])
def test_one_planted_change_is_found_with_its_size(tmp_path: Path, dtype: torch.dtype, place: int) -> None:
    before = torch.full((2 * PIECE + 3,), 0.5, dtype=dtype)
    after = before.clone()
    after[place] = 0.75
    result = compared(tmp_path, before, after)
    assert (result.largest, result.identical) == (0.25, len(before) - 1)
    assert result.rms == pytest.approx(0.25 / math.sqrt(len(before)), rel=1e-9)


def test_a_change_of_one_unit_in_the_last_place_has_a_cosine_below_one(tmp_path: Path) -> None:
    before = torch.ones(1000)
    after = before.clone()
    after[0] = torch.nextafter(after[0], torch.tensor(2.0))
    result = compared(tmp_path, before, after)
    assert result.largest == 2.0**-23
    assert result.relative == pytest.approx(2.0**-23 / math.sqrt(1000), rel=1e-6)


def test_zeros_have_no_sign_to_flip(tmp_path: Path) -> None:
    before = torch.tensor([0.0, 0.0, 1.0, -1.0, 1.0])
    after = torch.tensor([-1.0, 1.0, 0.0, 1.0, 2.0])
    assert compared(tmp_path, before, after).sign_flips == 1


def test_unsigned_numbers_have_no_sign_to_flip(tmp_path: Path) -> None:
    result = compared(tmp_path, torch.tensor([1, 200], dtype=torch.uint8), torch.tensor([200, 1], dtype=torch.uint8))
    assert (result.sign_flips, result.largest) == (0, 199)


def test_a_plans_scale_is_expected_and_the_source_is_the_measure(tmp_path: Path) -> None:
    source = drawn(5000, torch.bfloat16)
    exact = compared(tmp_path / "exact", source, source * 0.7, factor=0.7)
    assert (exact.relative, exact.identical) == (0.0, 5000)
    assert exact.fit == pytest.approx(0.7, abs=1e-3)
    zeroed = compared(tmp_path / "zeroed", source, torch.zeros_like(source), factor=0.0)
    assert (zeroed.relative, zeroed.identical, zeroed.fit) == (0.0, 5000, 0.0)
    step = drawn(5000, torch.float64, seed=1) * 1e-2
    moved = compared(tmp_path / "moved", source, step.bfloat16(), factor=0.0)
    assert moved.relative == pytest.approx(float(step.norm() / source.double().norm()), rel=1e-3)


def test_a_zeroed_tensor_without_its_source_has_no_relative_change(tmp_path: Path) -> None:
    result = compared(tmp_path, torch.zeros(8), torch.ones(8))
    assert (result.relative, result.cosine, result.fit, result.rms) == (None, None, None, 1.0)


def test_elements_that_are_not_finite_are_counted_and_left_out(tmp_path: Path) -> None:
    before, after = torch.ones(6), torch.full((6,), 2.0)
    before[0], after[1], after[2] = math.nan, math.inf, math.nan
    result = compared(tmp_path, before, after)
    assert (result.elements, result.finite, result.rms, result.largest) == (6, 3, 1.0, 1.0)


@pytest.mark.parametrize("size", [1e-25, 1e30])
def test_values_whose_squares_leave_float32_are_summed_in_float64(tmp_path: Path, size: float) -> None:
    before = torch.full((100,), size)
    result = compared(tmp_path, before, before * 1.5)
    assert result.relative == pytest.approx(0.5, rel=1e-6)
    assert result.cosine == pytest.approx(1.0)


def test_different_dtypes_are_compared_by_value(tmp_path: Path) -> None:
    before = drawn(3000, torch.bfloat16)
    result = compared(tmp_path, before, before.float())
    assert (result.identical, result.rms) == (3000, 0.0)
    assert compared(tmp_path / "wide", before, before.double()).identical == 3000


def test_every_type_with_one_value_per_element_is_read() -> None:
    types = {name: block for format_ in FORMATS for name, block in format_.types.items()}
    assert {name for name, block in types.items() if block.elements == 1} - {"C64"} == set(filter(has_values, types))


# Spectrum


@pytest.mark.parametrize("shape", [(48, 32), (32, 48), (1, 16)])
def test_ranks_are_those_of_the_singular_values(tmp_path: Path, shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    before = torch.randn(shape, generator=generator, dtype=torch.float64)
    step = torch.randn(shape, generator=generator, dtype=torch.float64) * 1e-2
    result = spectrum(pair_of(tmp_path, before, before + step))
    values = torch.linalg.svdvals(step)
    shares = values / values.sum()
    assert result is not None
    assert result.stable_rank == pytest.approx(float(values.square().sum() / values[0].square()), rel=1e-5)
    assert result.effective_rank == pytest.approx(float(torch.exp(-(shares * shares.log()).sum())), rel=1e-5)
    energy = (values.square().cumsum(0) / values.square().sum())[:8]
    assert result.energy == pytest.approx(energy.tolist(), rel=1e-6)


def test_a_change_of_rank_one_has_rank_one(tmp_path: Path) -> None:
    before = torch.zeros(64, 40, dtype=torch.float64)
    result = spectrum(pair_of(tmp_path, before, before + torch.outer(torch.arange(64.0), torch.arange(40.0))))
    assert result is not None
    assert (result.stable_rank, result.energy[0]) == (pytest.approx(1), pytest.approx(1))


def test_vectors_and_unchanged_matrices_have_no_spectrum(tmp_path: Path) -> None:
    assert spectrum(pair_of(tmp_path, torch.ones(8), torch.zeros(8))) is None
    assert spectrum(pair_of(tmp_path / "same", torch.ones(8, 8), torch.ones(8, 8))) is None
