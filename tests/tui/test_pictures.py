"""`make pictures` draws every pane, and docs/workbench.md shows what it draws."""

from pathlib import Path

from tests.tui.pictures import DOCS, PICTURES, draw

PAGE = (DOCS / "workbench.md").read_text()
MOST_BYTES = 80_000
SEEN = {
    "models": ("Llama-1B", "profiled"),
    "activations": ("block", "influence"),
    "blocks": ("8:14:", "marked:"),
    "plan": ("layer_range", "past"),
    "runs": ("running", "43"),
}


def test_every_picture_is_drawn_small_and_shown(tmp_path: Path) -> None:
    drawn = {path.stem: path.read_text() for path in draw(tmp_path)}
    assert drawn.keys() == PICTURES.keys() == SEEN.keys()
    for name, svg in drawn.items():
        assert svg.startswith("<svg")
        assert [word for word in SEEN[name] if word not in svg] == []
        assert str(tmp_path) not in svg
        assert len(svg) < MOST_BYTES
        assert f"]({name}.svg)" in PAGE
        assert (DOCS / f"{name}.svg").exists()
