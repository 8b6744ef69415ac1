"""Tables of results."""

import sys
from types import SimpleNamespace

import pytest

import dlec

CHECK = dlec.Check(
    ok=False,
    problems=(dlec.Problem("layer-range", "error", "<b>layers</b> 0 to 9", "use 0 to 6", 4, 20),),
    layers=None,
    parameters=None,
    nbytes=None,
)


def test_rows_become_a_frame(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=list))
    assert CHECK.to_frame() == [
        {
            "rule": "layer-range",
            "severity": "error",
            "message": "<b>layers</b> 0 to 9",
            "fix": "use 0 to 6",
            "line": 4,
            "column": 20,
        }
    ]


def test_a_frame_without_pandas_is_an_error_that_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(dlec.DlecError, match="pip install pandas"):
        CHECK.to_frame()


def test_html_escapes_what_a_model_or_a_plan_contains() -> None:
    html = CHECK._repr_html_()
    assert "&lt;b&gt;layers&lt;/b&gt;" in html
    assert "<b>" not in html


def test_a_long_table_says_how_much_is_left_out() -> None:
    many = dlec.Check(False, CHECK.problems * 250, None, None, None)
    assert "50 more rows" in many._repr_html_()


def test_one_problem_is_counted_in_the_singular() -> None:
    assert CHECK.summary == "1 error, 0 warnings, 0 notes"
