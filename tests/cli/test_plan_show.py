"""`dlec plan show`."""

import json
from pathlib import Path


def test_the_picture_marks_what_is_repeated(dlec, plan: Path) -> None:
    result = dlec("plan", "show", plan)
    assert result.stdout.splitlines()[0] == "0000XX00"
    assert "KV cache" in result.stdout


def test_json_holds_slices_and_cost(dlec, plan: Path, tiny_llama: Path) -> None:
    shown = json.loads(dlec("plan", "show", plan, "--json").stdout)
    assert shown["slices"] == [
        {"model": str(tiny_llama), "start": 0, "end": 4},
        {"model": str(tiny_llama), "start": 2, "end": 6},
    ]
    assert (shown["picture"], shown["layers"]) == ("0000XX00", 8)
    assert shown["kv_bytes_per_1k_tokens"] == 1000 * 8 * 2 * (2 * 16) * 2


def test_a_plan_with_errors_is_not_shown(dlec, bad_plan: Path) -> None:
    result = dlec("plan", "show", bad_plan)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "layer-range" in result.stderr
