"""`pip install .` without the dev extra gives a working `dlec`."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGED = ("pyproject.toml", "README.md", "LICENSE", "dlec", "dlec_tui", "engine")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build sees, away from the checkout."""
    copy = tmp_path_factory.mktemp("source")
    for name in PACKAGED:
        original = ROOT / name
        if original.is_dir():
            shutil.copytree(original, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(original, copy)
    return copy


def run(*command: object, **settings: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, **settings)
    assert done.returncode == 0, done.stderr
    return done


def site_packages(environment: Path) -> Path:
    variables = {"base": str(environment), "platbase": str(environment)}
    return Path(sysconfig.get_path("purelib", "venv", variables))


def test_the_installed_command_plans_and_checks(source: Path, tmp_path: Path, tiny_llama: Path) -> None:
    fresh = tmp_path / "venv"
    venv.create(fresh, with_pip=False)
    (site_packages(fresh) / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", fresh, "install", "--quiet"]
    run(*pip, "--no-deps", "--no-build-isolation", "--ignore-installed", source)
    dlec = fresh / "bin" / "dlec"
    where = run(fresh / "bin" / "python", "-c", "import engine; print(engine.__file__)", cwd=tmp_path).stdout
    assert str(fresh) in where
    run(dlec, "plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "plan.yaml", cwd=tmp_path)
    assert "8 layers" in run(dlec, "plan", "check", "plan.yaml", cwd=tmp_path).stdout
    run(dlec, "verify", tiny_llama, "--no-load-check", "--queue", "--home", "home", cwd=tmp_path)
    assert "verify" in run(dlec, "jobs", "list", "--home", "home", cwd=tmp_path).stdout  # its migrations are installed


@pytest.mark.stress
def test_a_full_install_is_consistent_and_merges(source: Path, tmp_path: Path, tiny_llama: Path) -> None:
    fresh = tmp_path / "venv"
    venv.create(fresh, with_pip=True)
    run(fresh / "bin" / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", source)
    assert "No broken requirements" in run(fresh / "bin" / "python", "-m", "pip", "check").stdout
    dlec = fresh / "bin" / "dlec"
    run(dlec, "plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "plan.yaml", cwd=tmp_path)
    run(dlec, "merge", "plan.yaml", "out", cwd=tmp_path)
    run(dlec, "verify", "out", cwd=tmp_path)
