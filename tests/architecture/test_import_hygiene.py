"""What is really loaded: a fresh interpreter imports, and sys.modules is looked at."""

import json
import subprocess
import sys
from pathlib import Path
from pkgutil import walk_packages

import pytest

import dlec_tui
import engine
from engine.jobs.queue import submit
from engine.store.jobs import JobSpec
from tests.tui.conftest import fill

HEAVY = {"torch", "transformers", "numpy"}
HEAVY_ROOMS = ("engine.tensors", "engine.inference", "engine.comparison")


def light_modules() -> list[str]:
    """Every module of the project outside the rooms that may load torch or numpy."""
    packages = [(dlec_tui.__path__, "dlec_tui."), (engine.__path__, "engine.")]
    found = [module.name for path, prefix in packages for module in walk_packages(path, prefix)]
    return sorted(name for name in found if not name.startswith(HEAVY_ROOMS) and not name.endswith("__main__"))


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter holds after running `code`."""
    report = "\nimport json, sys; print('LOADED', json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout.rpartition("LOADED")[2]))


def loaded_by_dlec(*arguments: str) -> set[str]:
    """The same for a whole `dlec` process."""
    return loaded_by(f"""
from dlec_tui.cli.main import dlec
try:
    dlec({list(arguments)!r})
except SystemExit:
    pass""")


def test_the_rooms_without_torch_are_all_discovered() -> None:
    rooms = {name.split(".")[1] for name in light_modules() if name.startswith("engine.")}
    assert {"checkpoint", "errors", "files", "merge", "numbers", "plan", "protocol", "store", "tasks", "text"} <= rooms


def test_importing_every_light_module_loads_nothing_heavy() -> None:
    assert not HEAVY & loaded_by("\n".join(f"import {name}" for name in light_modules()))


@pytest.mark.parametrize("module", ["dlec_tui.cli.main", "engine.merge", "engine.plan.check", "engine.checkpoint.find"])
def test_each_entrance_alone_loads_nothing_heavy(module: str) -> None:
    assert not HEAVY & loaded_by(f"import {module}")


def test_comparing_loads_numpy_and_no_torch() -> None:
    names = [module.name for module in walk_packages(engine.__path__, "engine.") if "comparison" in module.name]
    loaded = loaded_by("\n".join(f"import {name}" for name in names))
    assert "numpy" in loaded
    assert not {"torch", "transformers"} & loaded


def test_dlec_help_starts_light() -> None:
    assert not (HEAVY | {"textual", "huggingface_hub"}) & loaded_by_dlec("--help")


def test_dlec_plan_check_starts_light(tiny_llama: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(
        "merge_method: passthrough\n"
        f"slices:\n- sources:\n  - model: {json.dumps(str(tiny_llama))}\n    layer_range: [0, 6]\n"
    )
    unwanted = HEAVY | {"textual", "rich.console", "huggingface_hub", "safetensors"}
    assert not unwanted & loaded_by_dlec("plan", "check", "--no-load-check", str(plan))


@pytest.mark.parametrize("verb", [["list"], ["wait", "--timeout", "0"], ["cancel", "1"]])
def test_the_verbs_about_jobs_start_light(tmp_path: Path, verb: list[str]) -> None:
    store = tmp_path / "dlec.sqlite"
    submit(store, [JobSpec("profile", {"model": "m"}, "profile m", {})])
    unwanted = HEAVY | {"sqlite_utils", "textual", "rich.console", "plotext", "huggingface_hub", "safetensors", "yaml"}
    loaded = loaded_by_dlec("jobs", *verb, "--home", str(tmp_path))
    assert "sqlite3" in loaded
    assert not unwanted & loaded


def test_the_screen_over_a_store_loads_nothing_heavy(tmp_path: Path) -> None:
    fill(tmp_path / "dlec.sqlite")
    loaded = loaded_by(f"""
import asyncio, sys
from pathlib import Path
from dlec_tui.app import Workbench

async def look():
    async with Workbench(Path({str(tmp_path)!r}, "dlec.sqlite")).run_test() as pilot:
        while "plotext" not in sys.modules:  # until there is a model to open, and its curve is drawn
            await pilot.press("enter")
            await pilot.pause(0.1)
        for key in ("2", "v", "v", "v", "3", "4"):
            await pilot.press(key)
            await pilot.pause(0.1)

asyncio.run(look())""")
    assert "plotext" in loaded
    assert not (HEAVY | {"sqlite_utils", "huggingface_hub"}) & loaded


def test_what_was_measured_is_found_without_torch(tiny_llama: Path, tmp_path: Path) -> None:
    measured = {"model": str(tiny_llama), "tokens": 128, "seq_len": 8, "home": str(tmp_path), "device": "cpu"}
    profile = f"from engine.tasks import profile; print(profile.run({measured!r}, lambda *_: None)['stored'])"
    assert loaded_by(profile) >= HEAVY
    assert not HEAVY & loaded_by(profile)
