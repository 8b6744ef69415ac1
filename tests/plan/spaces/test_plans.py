"""plans: files, by name."""

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.plan.spaces import plans


def test_a_plan_is_called_as_its_file_and_with_its_directory_where_two_are():
    files = {Path("a/x.yaml"): "1", Path("b/x.yaml"): "2", Path("b/y.yaml"): "3"}
    found = plans.plans(files)
    assert [(plan.name, plan.text) for plan in found] == [("a/x.yaml", "1"), ("b/x.yaml", "2"), ("y", "3")]


def test_no_file_is_nothing_to_sweep():
    with pytest.raises(UsageError, match="nothing to sweep"):
        plans.plans({})
