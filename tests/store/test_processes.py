"""What holds between processes: a killed one leaves a profile whole or not at all, and two write side by side."""

import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.store.database import connection_of, open_for_reading, open_for_writing
from engine.store.neurons import count_neurons
from engine.store.profiles import find_layers, find_profile, save_profile
from tests.store.rows import KEY, OTHER_KEY, profile_rows

pytestmark = pytest.mark.slow

LAYERS, WIDTH = 12, 2500

SAVE = f"""
import sys, time
from dataclasses import replace
from pathlib import Path
from engine.store.database import open_for_writing
from engine.store.profiles import save_profile
from tests.store.rows import KEY, neuron_rows, profile_rows

def neurons():
    for place, row in enumerate(neuron_rows({LAYERS}, {WIDTH})):
        if place == int(sys.argv[2]):
            print("there", flush=True)
            time.sleep(float(sys.argv[3]))
        yield row

save_profile(open_for_writing(Path(sys.argv[1])), KEY, replace(profile_rows({LAYERS}, 0), neurons=neurons()))
"""


def started(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def kill_while_saving(path, place, delay):
    """Kill a process `delay` seconds after it has come to this row; without a delay it waits there."""
    process = started(SAVE, path, place, 0 if delay else 60)
    assert process.stdout.readline() == "there\n"
    time.sleep(delay)
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("place", "delay"),
    [
        (15_000, 0),
        (29_999, 0.05),
        *(pytest.param(*more, marks=pytest.mark.stress) for more in ((0, 0), (29_999, 0), (29_999, 0.15))),
    ],
)
def test_a_kill_leaves_all_of_a_profile_or_nothing(path, place, delay):
    with closing(open_for_writing(path)) as db:
        save_profile(db, OTHER_KEY, profile_rows())
    kill_while_saving(path, place, delay)
    with closing(open_for_reading(path)) as reader:
        found = (len(find_layers(reader, KEY)), count_neurons(reader, KEY))
        assert found == ((LAYERS, LAYERS * WIDTH) if find_profile(reader, KEY) else (0, 0))
        assert delay or found == (0, 0)
        assert count_neurons(reader, OTHER_KEY) == 40
    with closing(open_for_writing(path)) as db:
        save_profile(db, KEY, profile_rows(LAYERS, WIDTH))
        assert count_neurons(connection_of(db), KEY) == LAYERS * WIDTH
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


SAVE_MANY = """
import sys
from dataclasses import replace
from pathlib import Path
from engine.store.database import open_for_writing
from engine.store.profiles import save_profile
from engine.store.scores import Score, save_scores
from tests.store.rows import KEY, profile_rows

db = open_for_writing(Path(sys.argv[1]))
for run in range(10):
    save_profile(db, replace(KEY, tokenizer=sys.argv[2], tokens=run), profile_rows(width=100))
    save_scores(db, KEY, [Score(sys.argv[2], run, run + 1, 0.5, None)])
"""


def test_processes_that_make_and_fill_a_store_at_once_all_succeed(path):
    processes = [started(SAVE_MANY, path, name) for name in ("one", "two", "three")]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    with closing(open_for_reading(path)) as reader:
        keys = [replace(KEY, tokenizer=name, tokens=run) for name in ("one", "two", "three") for run in range(10)]
        assert {count_neurons(reader, key) for key in keys} == {400}
        assert reader.rows("SELECT metric, count(*) FROM scores GROUP BY metric ORDER BY metric") == [
            *(("one", 10), ("three", 10), ("two", 10)),
        ]
