"""What the packages import is what pyproject.toml declares."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN = {"dlec_tui", "engine"}
NOT_IMPORTED = {
    *("safetensors", "gguf"),  # through which transformers reads weights
    "nvidia-ml-py",  # imported by name, where it is installed
    "accelerate",  # which lm-eval's transformers models import
}


def declared() -> set[str]:
    """The distributions that `pip install '.[web,gpu,eval]'` brings, by normalised name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["web"], *extras["gpu"], *extras["eval"]]
    return {normalised(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def imported() -> set[str]:
    """Every top-level module that the packages import, late imports included."""
    found: set[str] = set()
    for package in OWN:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.split(".")[0])
    return found - OWN - set(sys.stdlib_module_names)


installed = cache(packages_distributions)


def distributions_of(module: str) -> set[str]:
    """An extra that is not installed is called as its module."""
    return {normalised(name) for name in installed().get(module, [module])}


def test_every_import_is_a_declared_dependency() -> None:
    undeclared = {module for module in imported() if not distributions_of(module) & declared()}
    assert not undeclared


def test_every_dependency_is_imported_or_accounted_for() -> None:
    used = {name for module in imported() for name in distributions_of(module)}
    assert not declared() - used - NOT_IMPORTED
