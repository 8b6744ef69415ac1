"""The tables of tasks agree, and a row names a module that does the work."""

from importlib.util import find_spec

import pytest

from dlec_tui.jobs.task_views import VIEWS
from engine.tasks.specs import TASKS, spec_of


def test_every_task_that_can_be_queued_has_a_view_and_no_other():
    assert VIEWS.keys() == {name for name, spec in TASKS.items() if spec.is_queued}


@pytest.mark.parametrize("spec", TASKS.values(), ids=TASKS)
def test_a_row_names_a_module_that_exists(spec):
    assert find_spec(spec.module) is not None


def test_a_task_of_another_version_has_an_empty_row():
    found = spec_of("levitate")
    assert (found.module, found.is_resumable, found.invalidates) == ("", False, frozenset())
