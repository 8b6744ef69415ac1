"""Prints constraints that pin every dependency to the lowest version that pyproject.toml declares.

Names given as arguments, e.g. torch, are pinned too although they are usually left at the tried version.
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LARGE = {"torch"}
"""Left at the version of constraints.txt unless named."""
TOOLS = {"ruff", "mypy", "import-linter"}
"""Not imported by any test but those of the checks, whose rules change with the version."""


def lowest(project: dict, named: set[str]) -> Iterator[str]:
    """Lines of a constraints file."""
    extras = project["optional-dependencies"]
    for text in [*project["dependencies"], *extras["web"], *extras["dev"]]:
        requirement = Requirement(text)
        if requirement.name not in (LARGE | TOOLS | {"dlec"}) - named:
            yield from (
                f"{requirement.name}=={bound.version}" for bound in requirement.specifier if bound.operator == ">="
            )


def tried(named: set[str]) -> Iterator[str]:
    """Lines of constraints.txt for packages that are not pinned to their lowest version."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#") and Requirement(line).name in (LARGE | TOOLS) - named:
            yield line


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    print(*lowest(project, set(sys.argv[1:])), *tried(set(sys.argv[1:])), sep="\n")
