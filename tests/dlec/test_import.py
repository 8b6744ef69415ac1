"""Importing dlec."""

import subprocess
import sys
from importlib.resources import files

import dlec

HEAVY = {"torch", "transformers", "numpy", "textual", "click", "sqlite_utils"}


def test_importing_dlec_loads_nothing_heavy() -> None:
    code = "import dlec, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert not HEAVY & set(done.stdout.split())


def test_checking_a_plan_loads_nothing_heavy(tiny_llama) -> None:
    text = f"merge_method: passthrough\nslices:\n- sources:\n  - {{model: {tiny_llama}, layer_range: [0, 6]}}\n"
    code = f"import dlec, sys; assert dlec.check({text!r}).ok; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert not HEAVY & set(done.stdout.split())


def test_every_public_name_is_documented() -> None:
    assert [name for name in dlec.__all__ if not (getattr(dlec, name).__doc__ or "").strip()] == []


def test_the_package_says_that_it_is_typed() -> None:
    assert files("dlec").joinpath("py.typed").is_file()
