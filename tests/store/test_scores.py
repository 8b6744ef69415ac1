"""Scores, results, models and plans: found again as they were, replaced by nothing."""

from dataclasses import replace

from engine.store.database import connection_of
from engine.store.models import all_models, find_model, save_model
from engine.store.previews import (
    PlanUsed,
    PreviewResult,
    all_plans,
    all_previews,
    find_preview,
    previews_of,
    save_plan,
    save_preview,
)
from engine.store.profiles import find_profile, save_profile
from engine.store.scores import Score, find_scores, save_scores, scored_metrics
from tests.store.rows import KEY, MODEL, OTHER_KEY, profile_rows

SCORES = [Score("second_pass", 3, 4, 0.25, None), Score("second_pass", 1, 4, 0.5, 0.01)]
RESULT = PreviewResult("5eed", KEY, 3.0, 3.1, 0.1, 0.01, 0.08, 0.12, 0.05, 0.9, 4080, 16)


def test_scores_are_found_by_metric_in_order_of_blocks(db):
    save_scores(db, KEY, [*SCORES, Score("ablation", 3, 4, 1.5, 0.1)])
    reader = connection_of(db)
    assert find_scores(reader, KEY, "second_pass") == (SCORES[1], SCORES[0])
    assert scored_metrics(reader, KEY) == ("ablation", "second_pass")
    assert find_scores(reader, OTHER_KEY, "second_pass") == ()


def test_more_blocks_are_added_and_none_replaced(db):
    save_scores(db, KEY, SCORES[:1])
    save_scores(db, KEY, [replace(SCORES[0], value=9.0), SCORES[1]])
    assert find_scores(connection_of(db), KEY, "second_pass") == (SCORES[1], SCORES[0])


def test_scores_need_no_profile_and_make_none(db):
    save_scores(db, KEY, SCORES)
    assert find_profile(connection_of(db), KEY) is None
    save_profile(db, KEY, profile_rows())
    assert len(find_scores(connection_of(db), KEY, "second_pass")) == 2


def test_a_result_is_found_by_plan_and_key(db):
    judged = replace(RESULT, key=OTHER_KEY, delta_nll=0.2)
    for result in (RESULT, judged, replace(RESULT, plan_sha256="abba"), replace(RESULT, delta_nll=9.0)):
        save_preview(db, result)
    reader = connection_of(db)
    assert find_preview(reader, "5eed", KEY) == RESULT
    assert previews_of(reader, "5eed") == (judged, RESULT)
    assert (judged.split, len(all_previews(reader))) == ("heldout", 3)
    assert find_preview(reader, "dead", KEY) is None


def test_a_model_is_known_by_its_weights_and_found_where_it_was_last(db):
    save_model(db, MODEL)
    save_model(db, replace(MODEL, fingerprint="beef", hidden_size=None))
    save_model(db, replace(MODEL, reference="moved/tiny"))
    reader = connection_of(db)
    assert find_model(reader, MODEL.fingerprint) == replace(MODEL, reference="moved/tiny")
    assert [model.fingerprint for model in all_models(reader)] == ["beef", MODEL.fingerprint]
    assert find_model(reader, "dead") is None


def test_a_plan_keeps_the_reason_it_was_proposed_for(db):
    plan = PlanUsed("5eed", "merge_method: passthrough\n", "lowest of 12 blocks on the selection set")
    for justification in ("", plan.justification, "", "another"):
        save_plan(db, replace(plan, justification=justification))
    assert all_plans(connection_of(db)) == (plan,)
