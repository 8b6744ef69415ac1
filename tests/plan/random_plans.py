"""Random plans over the llamas A and B, of four layers each, as what YAML reads: every form of range and scale."""

from hypothesis import strategies as st

LAYERS = 4
FACTORS = st.sampled_from([0, 1, 0.5, 2.0, -1.0, 0.3])
FILTERS = st.sampled_from(["*", "o_proj", "mlp", "layers.1", "layers.2.", "weight", "nothing", "lm_head", "embed"])
VALUES = st.one_of(FACTORS, st.lists(FACTORS, min_size=1, max_size=3))
ENTRIES = st.fixed_dictionaries({"value": VALUES}, optional={"filter": FILTERS})
SCALES = st.one_of(VALUES, st.lists(ENTRIES, min_size=1, max_size=3))
PARAMETERS = st.fixed_dictionaries({"scale": SCALES})


@st.composite
def slices(draw):
    start = draw(st.integers(0, LAYERS))
    end = draw(st.integers(start, LAYERS))
    source = {"model": draw(st.sampled_from("AB")), "layer_range": [start, end]}
    if draw(st.booleans()):
        source["parameters"] = draw(PARAMETERS)
    return {"sources": [source]} | ({"parameters": draw(PARAMETERS)} if draw(st.booleans()) else {})


@st.composite
def plans(draw):
    listed = draw(st.lists(slices(), min_size=1, max_size=4).filter(_has_layers))
    plan = {"merge_method": "passthrough", "slices": listed}
    return plan | ({"parameters": draw(PARAMETERS)} if draw(st.booleans()) else {})


def _has_layers(listed):
    ranges = [slice_["sources"][0]["layer_range"] for slice_ in listed]
    return any(start < end for start, end in ranges)
