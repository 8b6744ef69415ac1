"""Elements of stored tensors, checked against torch, which decodes every dtype on its own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.checkpoint.formats.format import StoredTensor
from engine.comparison.elements import PIECE, Buffer, open_elements, pieces, spans
from engine.errors import CheckpointError, MachineError
from engine.plan.outputs import rows_of

FLOATS = {
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}
WIDE = {"F32": np.float32, "F64": np.float64, "I8": np.int8, "U8": np.uint8, "I64": np.int64}


def stored(path: Path, dtype: str, raw: bytes, shape: tuple[int, ...], begin: int = 3) -> StoredTensor:
    path.write_bytes(b"\xff" * begin + raw + b"\xff" * 5)
    return StoredTensor("t", dtype, shape, path, begin, begin + len(raw))


def every_code(dtype: str) -> np.ndarray:
    width = FLOATS[dtype].itemsize
    return np.arange(256**width, dtype=f"<u{width}")


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_code_of_a_narrow_float_has_the_value_that_torch_gives_it(tmp_path: Path, dtype: str) -> None:
    codes = every_code(dtype)
    expected = torch.from_numpy(codes.view(f"i{codes.itemsize}")).view(FLOATS[dtype]).float().numpy()
    tensor = stored(tmp_path / "f", dtype, codes.tobytes(), (len(codes),))
    values = np.concatenate([piece.copy() for piece in pieces(tensor)])
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, expected)


def test_finite_halves_are_exact_whatever_else_is_in_their_piece(tmp_path: Path) -> None:
    halves = every_code("F16").view(np.float16)
    halves = halves[np.isfinite(halves)]
    tensor = stored(tmp_path / "f", "F16", halves.tobytes(), (len(halves),))
    np.testing.assert_array_equal(np.concatenate([piece.copy() for piece in pieces(tensor)]), halves)


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("count", [0, 1, PIECE, 2 * PIECE + 7])
def test_pieces_cover_a_tensor_in_order(tmp_path: Path, dtype: str, count: int) -> None:
    numbers = (np.arange(count) % 120).astype(WIDE[dtype])
    tensor = stored(tmp_path / "f", dtype, numbers.tobytes(), (count,))
    read = [piece.copy() for piece in pieces(tensor)]
    assert [len(piece) for piece in read] == [stop - start for start, stop in spans(count)]
    np.testing.assert_array_equal(np.concatenate([*read, []]), numbers)


def test_doubles_stay_doubles(tmp_path: Path) -> None:
    tensor = stored(tmp_path / "f", "F64", np.float64(1 + 2**-50).tobytes(), (1,))
    assert next(pieces(tensor))[0] == 1 + 2**-50


def test_rows_are_read_alone(tmp_path: Path) -> None:
    numbers = np.arange(12, dtype=np.float32)
    tensor = rows_of(stored(tmp_path / "f", "F32", numbers.tobytes(), (4, 3)), 1, 3)
    assert next(pieces(tensor)).tolist() == numbers[3:9].tolist()


def test_a_piece_uses_the_memory_of_the_one_before_it(tmp_path: Path) -> None:
    tensor = stored(tmp_path / "f", "F32", np.arange(2 * PIECE, dtype=np.float32).tobytes(), (2 * PIECE,))
    first, second = pieces(tensor)
    assert np.shares_memory(first, second)


def test_any_elements_can_be_read_alone(tmp_path: Path) -> None:
    tensor = stored(tmp_path / "f", "BF16", torch.arange(9).bfloat16().view(torch.uint8).numpy().tobytes(), (9,))
    with open_elements(tensor, Buffer()) as elements:
        assert len(elements) == 9
        assert elements.values(elements.read(4, 7)).tolist() == [4, 5, 6]


def test_a_file_that_has_shrunk_is_named(tmp_path: Path) -> None:
    tensor = stored(tmp_path / "f", "F32", bytes(4), (1,))
    (tmp_path / "f").write_bytes(b"1234")
    with pytest.raises(CheckpointError, match=r"f has become shorter while it was read: t is cut off"):
        list(pieces(tensor))


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    tensor = stored(tmp_path / "f", "F32", bytes(4), (1,))
    (tmp_path / "f").unlink()
    with pytest.raises(MachineError, match=r"f cannot be read: No such file"):
        list(pieces(tensor))


def test_a_packed_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="F4, which packs several elements into a byte"):
        list(pieces(stored(tmp_path / "f", "F4", bytes(4), (8,))))
