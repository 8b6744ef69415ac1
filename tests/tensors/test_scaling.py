import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CheckpointError, MachineError
from engine.tensors.scaling import scaled, scaled_bytes, torch_dtype

DTYPES = ["F64", "F32", "F16", "BF16"]
FACTORS = st.none() | st.floats(-4, 4)


def stored(tensor: torch.Tensor) -> bytes:
    return tensor.view(torch.uint8).numpy().tobytes()


@given(st.lists(st.floats(-1e4, 1e4), min_size=1), st.sampled_from(DTYPES), st.sampled_from(DTYPES), FACTORS)
def test_a_scale_is_the_plain_product_in_the_work_dtype(
    values: list[float], source: str, work: str, factor: float | None
) -> None:
    tensor = torch.tensor(values, dtype=torch_dtype(source))
    expected = tensor.to(torch_dtype(work))
    expected = expected if factor is None else expected * factor
    result = scaled_bytes(stored(tensor), source, work, "BF16", factor)
    assert result == stored(expected.to(torch.bfloat16))


@given(st.sampled_from(DTYPES), FACTORS, st.sampled_from([0.0, 1.0]), st.integers(1, 63))
def test_pieces_give_what_the_whole_gives(dtype: str, factor: float | None, offset: float, cut: int) -> None:
    tensor = torch.linspace(-3, 3, 64, dtype=torch_dtype(dtype))
    raw, edge = memoryview(stored(tensor)), cut * tensor.element_size()
    pieces = [scaled_bytes(piece, dtype, dtype, dtype, factor, offset) for piece in (raw[:edge], raw[edge:])]
    assert b"".join(pieces) == scaled_bytes(raw, dtype, dtype, dtype, factor, offset)


def test_an_offset_scales_the_effective_gain_and_rounds_once() -> None:
    stored_gain = torch.tensor([-1.0, -0.5, 0.003, 7.0], dtype=torch.bfloat16)
    result = scaled(stored_gain, torch.bfloat16, torch.bfloat16, 0.5, 1.0)
    assert torch.equal(result, (0.5 * (stored_gain.float() + 1) - 1).to(torch.bfloat16))


def test_a_zero_factor_on_a_gain_stored_less_one_gives_exactly_minus_one() -> None:
    assert torch.equal(scaled(torch.randn(9), torch.float32, torch.float32, 0.0, 1.0), torch.full((9,), -1.0))


def test_quantised_data_is_refused() -> None:
    with pytest.raises(CheckpointError, match="U8"):
        scaled_bytes(b"\1\2", "U8", "U8", "U8", 0.5)


def test_without_torch_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MachineError, match="pip install torch"):
        scaled_bytes(b"\0\0", "BF16", "BF16", "BF16", 0.5)
