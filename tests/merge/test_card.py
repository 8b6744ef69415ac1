"""What a model card and a manifest promise to say."""

import json
import shutil

import yaml

from engine.merge.card import card_text
from tests.merge.stacks import PLAN, ZEROED, merged, stack_of


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


def in_hub_cache(base, tmp_path):
    snapshot = tmp_path / "models--some-org--A-Model/snapshots/0123"
    return shutil.copytree(base, snapshot)


def test_the_front_matter_is_the_hubs(base, tmp_path):
    facts = front_matter(card_text(stack_of(in_hub_cache(base, tmp_path)), PLAN, "new"))
    assert facts["base_model"] == ["some-org/A-Model"]
    assert facts["library_name"] == "transformers"
    assert {"merge", "mergekit", "dlec"} <= set(facts["tags"])


def test_a_local_base_is_named_without_its_path(base):
    card = card_text(stack_of(base), PLAN, "new")
    assert "base_model" not in front_matter(card)
    assert "`base`" in card
    assert str(base.parent) not in card


def test_the_table_says_where_each_run_of_layers_came_from(base):
    card = card_text(stack_of(base, levels=ZEROED), PLAN, "new")
    rows = [line for line in card.splitlines() if line.startswith(("| 0", "| 4"))]
    assert [row.split("|")[3].strip() for row in rows] == ["0–3", "2–5"]  # noqa: RUF001


def test_the_plan_stands_in_the_card_whatever_it_holds(base):
    plan = PLAN + "# ```\n# ---\n"
    assert f"````yaml\n{plan}````\n" in card_text(stack_of(base), plan, "new")


def test_a_name_cannot_write_into_the_card(base, tmp_path):
    evil = shutil.copytree(base, tmp_path / "a`|\n# evil")
    assert "\n# evil" not in card_text(stack_of(evil), PLAN, "new\n# evil")


def test_the_manifest_tells_each_layers_source_and_scales(base, tmp_path):
    merged(stack_of(base, levels=ZEROED), tmp_path / "out")
    manifest = json.loads((tmp_path / "out/dlec_manifest.json").read_text())
    assert [layer["layer"] for layer in manifest["layers"]] == [0, 1, 2, 3, 2, 3, 4, 5]
    assert manifest["layers"][4] == {
        "checkpoint": 0,
        "layer": 2,
        "repeat": 1,
        "scaled": {"mlp.down_proj.weight": 0.0, "self_attn.o_proj.weight": 0.0},
    }
    assert manifest["config_changes"] == {"num_hidden_layers": 8}
    assert len(manifest["checkpoints"][0]["fingerprint"]) == 32


def test_the_plan_is_kept_where_mergekit_keeps_it(base, tmp_path):
    merged(stack_of(base), tmp_path / "out")
    assert (tmp_path / "out/mergekit_config.yml").read_text() == PLAN
