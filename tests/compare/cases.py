"""Plans that mergekit and dlec are given alike, and the differences that are meant. The models A, B and T (tied) have
four layers, S and I thirty; K is stored in bfloat16, the end of it
in float32."""

from hypothesis import HealthCheck, given, settings

from tests.plan.plans import plan_of
from tests.plan.random_plans import plans
from tests.plan.samples import BASE, DIRECTORY, TUNED
from tests.plan.test_documents import SCALES, documents

RANDOM_PLANS = 40

CASES = {
    "overlap": plan_of(("A", 0, 3), ("A", 1, 4)),
    "two-models": plan_of(("A", 0, 3), ("B", 1, 4)),
    "donor-of-head": plan_of(("A", 0, 4), ("B", 0, 0)),
    "donor-of-embeddings": plan_of(("B", 0, 0), ("A", 0, 4)),
    "empty-between": plan_of(("A", 0, 2), ("A", 2, 2), ("A", 2, 4)),
    "fall-through": plan_of(
        ("A", 0, 4, "[{filter: o_proj, value: 0}]"), parameters="{scale: [{filter: down_proj, value: 0.5}]}"
    ),
    "shadowed": plan_of(("A", 0, 4, "[{value: 1}, {filter: o_proj, value: 0}]")),
    "pattern": plan_of(("A", 0, 4, '[{filter: "o_proj|down_proj", value: 0}]')),
    "scale-of-first": plan_of(("A", 0, 2, "0.5"), ("A", 2, 4)),
    "scale-of-last": plan_of(("A", 0, 2), ("A", 2, 4, "0.5")),
    "scale-of-all": plan_of(("A", 0, 4), parameters="{scale: 0.5}"),
    "gradient": plan_of(("A", 0, 4, "[0, 1]")),
    "gradient-of-one": plan_of(("A", 0, 3), ("A", 3, 4, "[0, 0.25]")),
    "numeric-text": plan_of(("A", 0, 4, '"0.5"')).replace("[0, 4]", '[0.0, "4"]'),
    "filter-of-layer": plan_of(("A", 1, 4, "[{filter: layers.2., value: 0}]")),
    "half-and-back": plan_of(("A", 0, 4), dtype="float32", out_dtype="bfloat16"),
    "cast-and-scale": plan_of(("A", 0, 4, "0.3"), dtype="bfloat16", out_dtype="float16"),
    "base-model": plan_of(("A", 0, 4), base_model="B"),
    "models-form": "merge_method: passthrough\nmodels: [{model: A, parameters: {scale: 2}}]\n",
    "anchors": "x: &x {scale: [{filter: mlp, value: 0}]}\nx: &y A\n" + plan_of(("*y", 0, 4)) + "    parameters: *x\n",
    "merge-keys": "x: &x {layer_range: [0, 9], model: A}\n"
    "merge_method: passthrough\nslices: [{sources: [{<<: *x, layer_range: [0, 3]}]}]\n",
    "tied": plan_of(("T", 0, 3), ("T", 1, 4)),
    "tied-then-untied": plan_of(("T", 0, 2), ("A", 2, 4)),
    "untied-then-tied": plan_of(("A", 0, 2), ("T", 2, 4)),
    "linear-stack": "merge_method: linear\nparameters: {weight: 1}\nslices:\n"
    "- sources: [{model: A, layer_range: [0, 2]}, {model: B, layer_range: [0, 2], parameters: {weight: 0}}]\n"
    "- sources: [{model: B, layer_range: [1, 4]}]\n",
    "two-sources": plan_of(("A", 0, 2)).replace("- sources:\n", "- sources:\n  - {model: A, layer_range: [2, 4]}\n"),
    "reversed": plan_of(("A", 0, 4), ("A", 3, 1)),
    "past-the-end": plan_of(("A", 0, 5)),
    "misspelt": plan_of(("A", 0, 4)) + "    paramters: {scale: 0}\n",
    "single-filter": plan_of(("A", 0, 4, "{filter: o_proj, value: 0}")),
    "bad-dtype": plan_of(("A", 0, 4), dtype="bfloat"),
    "torch-dtype": plan_of(("A", 0, 4), dtype="torch.bfloat16"),
    "model-as-mapping": plan_of(("{model: {path: A}}", 0, 4), ("{model: B}", 2, 4)),
    "model-as-path": plan_of(("{path: A}", 0, 4)),
    "star-and-null": plan_of(
        ("A", 0, 4, '[{filter: mlp, value: 2}, {filter: "*", value: 0.5}, {filter: ~, value: 9}]')
    ),
    "windows": "# déjà vu\n" + plan_of(("A", 0, 4), ("B", 1, 4)).replace("\n", "  # 層\r\n"),
    "negative": plan_of(("A", -1, 4)),
    "models-form-and-base": "merge_method: passthrough\nbase_model: B\nmodels: [{model: A}]\n",
    "filter-of-layer-1": plan_of(("S", 0, 30, "[{filter: layers.1, value: 0}]")),
    "kept-dtype": plan_of(("K", 0, 4), dtype="bfloat16"),
    "cast-all": "# dlec: cast all\n" + plan_of(("K", 0, 4), dtype="bfloat16"),
    "slerp": "merge_method: slerp\nbase_model: A\nparameters: {t: 0.5}\nmodels: [{model: A}, {model: B}]\n",
    **{f"documents-{name}": documents(one=inner, final=outer) for name, (inner, outer) in SCALES.items()},
}

MEANT = {
    "untied-then-tied": "mergekit loses the head: T's is its embedding matrix, which dlec writes out",
    "reversed": "mergekit writes a layer count that is too small; dlec refuses",
    "misspelt": "mergekit ignores the key; dlec refuses and offers the right one",
    "models-form-and-base": "mergekit takes base_model for a second model and refuses; dlec warns and takes its config",
    "model-as-path": "mergekit wants {model: {path: A}} and refuses; dlec warns and reads it",
    "kept-dtype": "mergekit casts everything; dlec leaves what K stores in float32, unlike most of itself",
    "slerp": "not a stack: dlec says what to do instead",
}
"""Case to the reason why dlec does something else."""


def recipes():
    """What every recipe writes, over S and I in place of SmolLM2."""
    names = {f"{TUNED}\n": "I\n", f"{BASE}\n": "S\n"}
    texts = {file.stem: file.read_text() for file in sorted(DIRECTORY.iterdir())}
    for reference, name in names.items():
        texts = {stem: text.replace(reference, name) for stem, text in texts.items()}
    return {f"recipe-{stem}": text for stem, text in texts.items()}


def cases():
    """Name to text: those above, and random ones that are the same in every run."""
    from yaml import safe_dump

    found = []

    @settings(max_examples=RANDOM_PLANS, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(plans())
    def collect(plan):
        found.append(safe_dump(plan))

    collect()
    return CASES | recipes() | {f"random-{number:02}": text for number, text in enumerate(found[:RANDOM_PLANS])}
