"""Output of comparisons: maps on the terminal, and files of CSV, SVG and HTML."""

import csv
import io
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from dlec_tui.jobs.comparison_report import diff_headline, head_lines, table_lines, tensors_of
from dlec_tui.measurements.plots import LEVELS, RAMP
from dlec_tui.wording import clipped
from engine.comparison.change_map import ChangeMap, Quantity, Scale, change_map, course, expectations
from engine.comparison.pictures import CAPTIONS, NO_COURSES, Courses, Panel, html, svg
from engine.errors import machine_error, shown
from engine.files import write_whole

Answer = Mapping[str, Any]

_LABEL_WIDTH = 26
_LAYERS_PER_LABEL = 5
_LIGHT_FROM = 5
"""First level with a light colour and dark digits."""


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    """Return one row per tensor, in the order of the model: the fields of JSON, and `expected`."""
    tensors = tensors_of(answer)
    return [
        asdict(tensor) | {"expected": expected} for tensor, expected in zip(tensors, expectations(tensors), strict=True)
    ]


def as_json(answer: Answer) -> dict[str, Any]:
    """Return the output of `dlec diff --json`."""
    return {**answer, "pairs": rows_of(answer)}


def text_lines(answers: Sequence[Answer], quantity: Quantity, scale: Scale) -> Iterator[str]:
    """Yield each comparison with its map, then the course of the layer groups over several."""
    for answer in answers:
        yield from head_lines(answer)
        yield from map_lines(change_map(tensors_of(answer), answer["layers"], quantity, scale))
        yield from table_lines(answer)
        yield ""
    if len(answers) > 1:
        yield f"median {quantity} by layer group, checkpoint by checkpoint:"
        for group, values in _courses(answers, quantity).items():
            yield f"{group:{_LABEL_WIDTH}} {' '.join(f'{value:10.4g}' for value in values)}"


def map_lines(drawn: ChangeMap) -> Iterator[str]:
    """Yield the map: layers across, tensor types down, in several parts where the terminal is narrow.

    Digits repeat the colours: 0 is low, 9 is high.
    """
    if not drawn.values:
        return
    yield f"{CAPTIONS[drawn.quantity]}: layers across, 0 (low) to 9 (high), {_scale_in_words(drawn)}"
    at_once = max(shutil.get_terminal_size().columns - _LABEL_WIDTH - 1, _LAYERS_PER_LABEL)
    for first in range(0, drawn.layers, at_once):
        layers = range(first, min(first + at_once, drawn.layers))
        yield f"{'':{_LABEL_WIDTH}} {_labels(layers)}".rstrip()
        for type_ in drawn.types:
            cells = "".join(_cell(drawn.levels.get((type_, layer))) for layer in layers)
            yield f"{clipped(shown(type_), _LABEL_WIDTH):{_LABEL_WIDTH}} {cells}"


def _scale_in_words(drawn: ChangeMap) -> str:
    if drawn.quantity is Quantity.EXPECTED:
        return "from a quarter to 4 times the median"
    return "by rank in each row" if drawn.scale is Scale.TYPE else "one scale for all rows"


def _labels(layers: range) -> str:
    line = [" "] * (len(layers) + 4)
    for layer in layers:
        if layer % _LAYERS_PER_LABEL == 0:
            label, at = str(layer), layer - layers.start
            line[at : at + len(label)] = label
    return "".join(line)


def _cell(level: float | None) -> str:
    if level is None:
        return " "
    step = min(int(level * LEVELS), LEVELS - 1)
    red, green, blue = (int(RAMP[step][at : at + 2], 16) for at in (1, 3, 5))
    return click.style(str(step), bg=(red, green, blue), fg="black" if step >= _LIGHT_FROM else "white")


def csv_text(answers: Sequence[Answer]) -> str:
    """Return one CSV row per tensor and checkpoint."""
    rows = [{"b": answer["b"], **row} for answer in answers for row in rows_of(answer)]
    for row in rows:
        row["energy"] = " ".join(f"{share:.6g}" for share in row["energy"])
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def svg_text(answers: Sequence[Answer], quantity: Quantity, scale: Scale) -> str:
    """Return one SVG: a map per checkpoint, and the course of the layer groups over several."""
    return svg(_panels(answers, [quantity], scale), _several(answers, quantity))


def html_text(answers: Sequence[Answer], quantity: Quantity, scale: Scale) -> str:
    """Return a page with the maps of all quantities, the chosen one first."""
    quantities = list(dict.fromkeys([quantity, *Quantity]))
    facts = [line for answer in answers for line in (*head_lines(answer), diff_headline(answer))]
    rows = [{"b": answer["b"], **row} for answer in answers for row in rows_of(answer)]
    title = f"{', '.join(answer['b'] for answer in answers)} against {answers[0]['a']}"
    return html(title, facts, _panels(answers, quantities, scale), rows, _several(answers, quantity))


def _panels(answers: Sequence[Answer], quantities: Sequence[Quantity], scale: Scale) -> list[Panel]:
    return [
        Panel(f"{answer['b']} against {answer['a']}", change_map(tensors_of(answer), answer["layers"], quantity, scale))
        for quantity in quantities
        for answer in answers
    ]


def _several(answers: Sequence[Answer], quantity: Quantity) -> Courses:
    return _courses(answers, quantity) if len(answers) > 1 else NO_COURSES


def _courses(answers: Sequence[Answer], quantity: Quantity) -> dict[str, list[float]]:
    return course([(tensors_of(answer), answer["layers"]) for answer in answers], quantity)


def write_file(path: Path, text: str) -> None:
    """Write an output file. Raises MachineError if that fails."""
    try:
        write_whole(path.resolve(), text)
    except OSError as error:
        raise machine_error(f"{shown(path)} cannot be written", error) from error
