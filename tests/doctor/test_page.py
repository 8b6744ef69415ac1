"""Findings as a page that can be read at 80 columns, with colours and without."""

import click
import pytest

from dlec_tui.doctor.report import page, summary
from dlec_tui.doctor.result import fine, note, obstacle, problem

FINDINGS = {
    "Terminal and session": {
        "terminal": fine("xterm-256color, 120x40, 256 colours"),
        "tmux": note(
            "3.3a, set-clipboard external, allow-passthrough off, escape-time 500 ms",
            "Esc is slow. Add to ~/.tmux.conf:\n  set -sg escape-time 10",
        ),
    },
    "Storage": {"home": fine(f"/{'deep/' * 20}home, 81.7 GB free")},
}
PAGE = f"""\
Terminal and session
  fine     terminal  xterm-256color, 120x40, 256 colours
  note     tmux      3.3a, set-clipboard external, allow-passthrough off,
                     escape-time 500 ms
                       Esc is slow. Add to ~/.tmux.conf:
                         set -sg escape-time 10

Storage
  fine     home      /{"deep/" * 20}home,
                     81.7 GB free

0 problems, 1 note. dlec is usable."""


def test_the_page_is_aligned_wrapped_and_indented():
    assert click.unstyle("\n".join(page(FINDINGS, 80))) == PAGE


@pytest.mark.parametrize("width", [1, 20, 60])
def test_commands_and_paths_stay_whole_in_any_window(width):
    lines = [line.strip() for line in click.unstyle("\n".join(page(FINDINGS, width))).splitlines()]
    assert "set -sg escape-time 10" in lines
    assert any(f"/{'deep/' * 20}home," in line for line in lines)


def test_every_line_fits_the_window():
    assert max(map(len, click.unstyle("\n".join(page({"A": FINDINGS["Terminal and session"]}, 60))).splitlines())) <= 60


def test_the_state_is_a_word_before_it_is_a_colour():
    words = [line.split()[0] for line in map(click.unstyle, page({"A": {"x": problem("bad", "mend it")}}, 80)) if line]
    assert words[1] == "problem"


def test_the_summary_counts_and_says_whether_dlec_can_be_used():
    assert summary([fine("a"), problem("b", "c"), note("d")]) == "1 problem, 1 note. dlec is usable."
    assert summary([obstacle("a", "b")]) == "1 problem, 0 notes. Fix these problems before using dlec."
