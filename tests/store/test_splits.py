"""A store of a version that called the splits of a text choosing and judging is read as if it had the new names."""

import json
from contextlib import closing

import pytest

from engine.store.database import connection_of, open_for_reading, open_for_writing
from engine.store.jobs import find_job
from engine.store.migrations import MIGRATIONS
from engine.store.profiles import find_profile
from engine.store.samples import find_sample
from engine.store.sweeps import find_cost, find_sweep
from engine.text.corpus import Split
from tests.store.rows import KEY

BEFORE = {name: sql for name, sql in MIGRATIONS.items() if name < "0009"}
REQUEST = {"model": "/m", "half": "judging", "text": ['a "half": "judging" file.txt']}
RESULT = {"judged": {"delta_nll": 0.1, "half": "judging"}, "judging_sample": None, "base": {"choosing": {"nll": 3.0}}}
COST = {"parts": [{"what": "choosing half"}, {"what": "judging half"}]}
ROWS = """
INSERT INTO profile_keys VALUES (1, 'f00d', 'c0de', '7e47', 'choosing', 4096, 256, 'float32', 'versions');
INSERT INTO profile_keys VALUES (2, 'f00d', 'c0de', '7e47', 'judging', 4096, 256, 'float32', 'versions');
INSERT INTO profiles (key_id) VALUES (1);
INSERT INTO samples VALUES (2, 16, 4096, 9, 33, '', '[]');
INSERT INTO sweeps (sha256, reference, space, corpus, choosing_key_id, judging_key_id, plans, top, early_stop)
    VALUES ('5eed', 'models/tiny', 'two plans', 'a text', 1, 2, 1, 1, 0);
INSERT INTO sweep_plans (sweep_id, number, name, visits, text, scale, judged_holm_p)
    VALUES (1, 0, '0:1', '0-1', 'slices: []', 1.0, 0.25);
"""
JOB = """
INSERT INTO jobs (uuid, task, request, inputs, title, slot, priority, position, submitted_at, state, started_at,
    ended_at, result)
    VALUES ('u', 'propose', ?, '[]', 't', 'cpu', 0, 1, '2026-01-01 00:00:00', 'done',
    '2026-01-01 00:00:00', '2026-01-01 00:00:01', ?);
"""


@pytest.fixture
def reader(path, monkeypatch):
    """A connection to a store that an earlier version filled."""
    with monkeypatch.context() as earlier:
        earlier.setattr("engine.store.connection.MIGRATIONS", BEFORE)
        earlier.setattr("engine.store.migrations.MIGRATIONS", BEFORE)
        with closing(open_for_writing(path)) as db:
            db.executescript(ROWS)
            db.execute("UPDATE sweeps SET cost = ?", (json.dumps(COST),))
            db.execute(JOB, (json.dumps(REQUEST), json.dumps(RESULT)))
            db.conn.commit()
    with closing(open_for_writing(path)) as db:
        assert connection_of(db).row("SELECT count(*) FROM profiles") == (1,)
    with closing(open_for_reading(path)) as connection:
        yield connection


def key(split):
    return type(KEY)("f00d", "c0de", "7e47", split, 4096, 256, "float32", "versions")


def test_measurements_are_found_under_the_new_names(reader):
    assert find_profile(reader, key(Split.SELECTION)) is not None
    assert find_sample(reader, key(Split.HELDOUT)).documents_in_split == 33


def test_a_sweep_has_its_keys_its_p_values_and_its_cost(reader):
    sweep = find_sweep(reader, 1)
    assert (sweep.selection, sweep.heldout) == (key("selection"), key("heldout"))
    assert reader.rows("SELECT heldout_holm_p FROM sweep_plans") == [(0.25,)]
    assert [part["what"] for part in find_cost(reader, 1)["parts"]] == ["selection set", "held-out set"]


def test_a_job_keeps_what_it_says_under_the_new_names_and_its_texts_as_they_are(reader):
    job = find_job(reader, 1)
    assert job.spec.request == {"model": "/m", "split": "heldout", "text": REQUEST["text"]}
    assert job.state.result == {
        "heldout": {"delta_nll": 0.1, "split": "heldout"},
        "heldout_sample": None,
        "base": {"selection": {"nll": 3.0}},
    }
