"""`dlec doctor`, called as a user calls it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlec_tui.doctor import libraries
from engine.machine.torch_devices import TorchDevices
from tests.cli.conftest import Dlec

NAMES = [
    *("terminal", "tmux", "clipboard", "locale", "connection", "logout"),
    *("Python", "torch", "transformers", "GPUs", "memory"),
    *("home", "file system", "store", "current directory", "hub cache"),
]


WITHOUT_TORCH = """
import json, sys
from dlec_tui.doctor import libraries
libraries.installed_version = lambda name: None
from dlec_tui.cli.main import dlec
try:
    dlec(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)))
"""


def without_torch(*options: object, **environment: str) -> str:
    """What a process of its own prints on a machine where torch is not installed, and then which modules it loaded."""
    command = [sys.executable, "-c", WITHOUT_TORCH, "doctor", *map(str, options)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(autouse=True)
def quick_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's answer without the two seconds that it takes."""
    monkeypatch.setattr(libraries, "torch_devices", lambda: TorchDevices("", 2))


def test_every_finding_is_reported_and_a_usable_machine_exits_with_0(dlec: Dlec) -> None:
    done = dlec("doctor")
    assert done.exit_code == 0
    assert all(f"  {name} " in done.stdout for name in NAMES)
    assert done.stdout.endswith("dlec is usable.\n")


def test_json_has_a_row_for_each_finding(dlec: Dlec) -> None:
    said = json.loads(dlec("doctor", "--json").stdout)
    assert said["ok"] is True
    assert [row["name"] for row in said["findings"]] == NAMES
    assert all(row.keys() == {"name", "value", "state", "fix", "stops_dlec"} for row in said["findings"])
    assert {row["state"] for row in said["findings"]} <= {"fine", "note", "problem"}
    assert not [row for row in said["findings"] if row["state"] == "fine" and row["fix"]]


def test_the_home_is_the_one_that_was_asked_for(dlec: Dlec, tmp_path: Path) -> None:
    said = json.loads(dlec("doctor", "--json", "--home", tmp_path / "other").stdout)
    values = {row["name"]: row["value"] for row in said["findings"]}
    assert values["home"].startswith(str(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_a_damaged_store_ends_with_3(dlec: Dlec, tmp_path: Path) -> None:
    (tmp_path / "dlec.sqlite").write_bytes(b"rubbish" * 1000)
    done = dlec("doctor", "--home", tmp_path)
    assert done.exit_code == 3
    assert "Fix these problems before using dlec" in done.stdout


def test_a_bare_machine_is_no_error(dlec: Dlec, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TERM", "LANG", "LC_ALL", "LC_CTYPE", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("TMUX", "/nowhere,1,0")
    assert dlec("doctor").exit_code == 0


def test_a_locale_without_utf_8_is_a_finding_and_no_failure(tmp_path: Path) -> None:
    home = tmp_path / "hôme-\N{SNOWMAN}"
    told = without_torch("--home", home, PYTHONIOENCODING="ascii")
    assert r"h\xf4me-\u2603" in told


def test_nothing_heavy_is_loaded() -> None:
    loaded = set(json.loads(without_torch().splitlines()[-1]))
    assert not {"torch", "transformers", "numpy", "huggingface_hub", "rich", "textual", "sqlite_utils"} & loaded


@pytest.mark.bench
def test_all_findings_except_torch_are_reported_within_a_second() -> None:
    began = time.monotonic()
    without_torch()
    assert time.monotonic() - began < 1
