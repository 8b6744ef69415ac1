"""Maps of comparisons, and pictures of them."""

import math
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from engine.comparison.change_map import Quantity, Scale, by_group, change_map, course, expectations
from engine.comparison.pictures import Panel, colour, html, svg


@dataclass(frozen=True)
class Tensor:
    layer: int | None
    type: str
    rms: float | None = 1.0
    base_rms: float | None = 2.0
    identical: float = 0.0
    group: str = ""
    elements: int = 100


def test_colours_by_rank_are_not_washed_out_by_one_layer() -> None:
    tensors = [Tensor(layer, "norm", rms=1000.0 if layer == 0 else 1.0 + layer / 100) for layer in range(21)]
    levels = change_map(tensors, 21).levels
    assert levels["norm", 0] == 1.0
    assert levels["norm", 11] - levels["norm", 10] == pytest.approx(1 / 18)
    shared = change_map(tensors, 21, scale=Scale.SHARED).levels
    assert shared["norm", 11] - shared["norm", 10] < 1e-4


def test_ranks_are_of_one_type_each_and_equal_values_have_equal_colours() -> None:
    tensors = [
        Tensor(layer, type_, rms=(layer // 2 + 1) * size)
        for layer in range(4)
        for type_, size in (("q", 1), ("k", 1e6))
    ]
    levels = change_map(tensors, 4).levels
    assert [levels["q", layer] for layer in range(4)] == [levels["k", layer] for layer in range(4)]
    assert levels["q", 0] == levels["q", 1] < levels["q", 2] == levels["q", 3]
    assert set(change_map([Tensor(0, "q"), Tensor(1, "q")], 2).levels.values()) == {0.0}


def test_experts_of_one_layer_are_pooled_by_their_elements() -> None:
    tensors = [
        Tensor(0, "experts.*.up", rms=3.0, elements=1),
        Tensor(0, "experts.*.up", rms=1.0, elements=3, identical=1.0),
    ]
    values = {quantity: change_map(tensors, 1, quantity).values["experts.*.up", 0] for quantity in Quantity}
    assert values[Quantity.RMS] == pytest.approx(math.sqrt(3.0))
    assert values[Quantity.RELATIVE] == pytest.approx(math.sqrt(3.0) / 2)
    assert (values[Quantity.IDENTICAL], values[Quantity.EXPECTED]) == (0.75, 0.0)


def test_expectation_is_the_median_and_unchanged_tensors_have_none() -> None:
    tensors = [Tensor(0, "q", rms=1.0), Tensor(1, "q", rms=4.0), Tensor(2, "q", rms=0.25), Tensor(3, "q", rms=0.0)]
    assert expectations(tensors) == [0.0, 2.0, -2.0, None]
    drawn = change_map(tensors, 4, Quantity.EXPECTED)
    assert drawn.row("q") == [0.0, 2.0, -2.0, None]
    assert drawn.levels == {("q", 0): 0.5, ("q", 1): 1.0, ("q", 2): 0.0}


def test_tensors_outside_the_layers_are_not_on_the_map() -> None:
    assert change_map([Tensor(None, "norm"), Tensor(0, "q")], 1).types == ("q",)


def test_groups_have_medians_in_the_order_of_their_copies() -> None:
    groups = ("first copies", "originals", "originals", "first copies")
    tensors = [Tensor(layer, "q", rms=float(layer), group=group) for layer, group in enumerate(groups)]
    assert by_group(tensors, 4, Quantity.RMS) == {"originals": {"q": 1.5}, "first copies": {"q": 1.5}}
    assert course([(tensors, 4), (tensors, 4)], Quantity.RMS) == {"originals": [1.5, 1.5], "first copies": [1.5, 1.5]}
    assert course([([Tensor(0, "q", rms=2.0)], 1)], Quantity.RMS) == {"all layers": [2.0]}


def test_pictures_are_well_formed_and_name_every_cell() -> None:
    tensors = [Tensor(layer, type_, rms=layer + 1.0) for layer in range(3) for type_ in ("a<b", "c&d")]
    panel = Panel("B & A", change_map(tensors, 3))
    root = ElementTree.fromstring(svg([panel], {"originals": [1.0, 2.0], "first copies": [0.0, 0.5]}))
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[:2] == ["layer 0, a<b: 0.5", "layer 0, c&d: 0.5"]
    assert len(titles) == 6
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
    page = html("B", ["a <fact>"], [panel], [{"name": "t<", "rms": 0.5, "layer": None}])
    assert "a &lt;fact&gt;" in page
    assert "<td>t&lt;</td><td>0.5</td><td></td>" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_colours_go_from_dark_to_light() -> None:
    assert (colour(0.0), colour(1.0)) == ("#440154", "#fde725")
    brightness = [sum(int(colour(level / 10)[at : at + 2], 16) for at in (1, 3, 5)) for level in range(11)]
    assert brightness == sorted(brightness)
