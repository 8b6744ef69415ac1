"""What `dlec eval` promises: base and plan answer the same items, and are compared one by one.

lm-eval is an extra. Its calls are pretended here; where it is installed, the last test runs it.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from engine.errors import MachineError, UsageError
from engine.inference import evaluation
from engine.inference.evaluation import evaluations, task_of
from engine.protocol import no_report
from engine.tasks import evaluate
from tests.tasks.conftest import part, plan_of

ITEMS = 20
TASK = """task: tiny_choice  # of three
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: multiple_choice
doc_to_text: "{{{{prompt}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    items = [{"prompt": f"Item {n} is", "choices": ["a", "bb", "c d"], "answer": n % 3} for n in range(ITEMS)]
    data, file = tmp_path / "items.jsonl", tmp_path / "tiny_choice.yaml"
    data.write_text("".join(json.dumps(item) + "\n" for item in items))
    file.write_text(TASK.format(data=data))
    return file


@pytest.fixture
def asked(options, tiny_llama: Path, task_file: Path):
    plan = plan_of(part(tiny_llama, 0, 4), part(tiny_llama, 2, 6))
    return {**options, "plan": plan, "tasks": [str(task_file), "known"], "limit": 7, "shots": None}


class PretendedLmEval:
    """Stands for the library: remembers how it is called, and lets the deeper model answer four more items rightly."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.managers: list[dict] = []

    def simple_evaluate(self, **given):
        self.calls.append(given)
        is_plan = given["model"].layers == 8
        samples = [{"doc_id": n, "filter": "none", "acc": float(n < 5 + 4 * is_plan)} for n in reversed(range(ITEMS))]
        figures = {"acc,none": (5 + 4 * is_plan) / ITEMS, "acc_stderr,none": 0.1, "alias": "tiny", "word,none": "N/A"}
        return {"results": {"tiny_choice": figures}, "samples": {"tiny_choice": samples}}

    def modules(self):
        """By name, as they are imported."""
        pretended = self

        class HFLM:
            def __init__(self, pretrained, tokenizer, batch_size, prefix_token_id):
                self.layers = pretrained.config.num_hidden_layers
                assert (tokenizer("a")["input_ids"], batch_size, prefix_token_id) != ([], None, None)

        class TaskManager:
            def __init__(self, **given):
                pretended.managers.append(given)

        found = {name: ModuleType(name) for name in ("lm_eval", "lm_eval.models", "lm_eval.tasks")}
        found["lm_eval.models.huggingface"] = ModuleType("lm_eval.models.huggingface")
        vars(found["lm_eval"])["simple_evaluate"] = self.simple_evaluate
        vars(found["lm_eval.models.huggingface"])["HFLM"] = HFLM
        vars(found["lm_eval.tasks"])["TaskManager"] = TaskManager
        return found


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> PretendedLmEval:
    library = PretendedLmEval()
    monkeypatch.setattr(evaluation, "find_spec", lambda _name: "installed")
    for name, module in library.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return library


def test_base_and_plan_answer_the_same_tasks_and_are_paired_item_by_item(asked, pretended):
    found = evaluate.run(asked, no_report)
    (figure,) = found["figures"]
    assert (figure["task"], figure["metric"], figure["base"], figure["plan"]) == ("tiny_choice", "acc,none", 0.25, 0.45)
    assert (figure["only_plan"], figure["only_base"], figure["items"]) == (4, 0, ITEMS)
    assert (figure["test"], figure["p"], figure["delta"]) == ("mcnemar", 2 / 16, pytest.approx(0.2))
    assert [call["model"].layers for call in pretended.calls] == [6, 8]
    assert all((call["limit"], call["num_fewshot"], call["log_samples"]) == (7, None, True) for call in pretended.calls)


def test_task_files_are_found_by_the_task_that_they_define(asked, pretended, task_file: Path):
    evaluate.run(asked, no_report)
    assert pretended.calls[0]["tasks"] == ["known", "tiny_choice"]
    assert pretended.managers[0] == {"include_path": [str(task_file.parent)], "include_defaults": True}
    evaluate.run({**asked, "tasks": [str(task_file)]}, no_report)
    assert pretended.managers[-1]["include_defaults"] is False


@pytest.mark.usefixtures("pretended")
def test_what_the_library_refuses_is_said_as_an_error_to_read(asked, monkeypatch):
    def refuse(**_given):
        raise KeyError("known")

    monkeypatch.setattr(sys.modules["lm_eval"], "simple_evaluate", refuse)
    with pytest.raises(UsageError, match="cannot run these tasks: KeyError: 'known'"):
        evaluate.run(asked, no_report)


def test_without_the_library_the_way_to_it_is_said(asked, monkeypatch):
    monkeypatch.setattr(evaluation, "find_spec", lambda _name: None)
    with pytest.raises(MachineError, match="lm-eval is not installed") as raised:
        evaluate.run(asked, no_report)
    assert "dlec[eval]" in raised.value.fix


@pytest.mark.parametrize("text", ["dataset_path: json\n", None])
def test_a_file_without_a_task_is_refused(tmp_path: Path, text):
    file = tmp_path / "task.yaml"
    if text:
        file.write_text(text)
    with pytest.raises(UsageError, match=r"task\.yaml (defines no task|cannot be read)"):
        task_of(file)


def test_metrics_that_are_no_means_over_items_are_not_paired():
    samples = [{"doc_id": 0, "filter": "none", "perplexity": [1.0, 2.0]}]
    found = {"results": {"text": {"perplexity,none": 3.5}}, "samples": {"text": samples}}
    (figure,) = evaluations(found)
    assert (figure.value, figure.se, figure.per_item) == (3.5, None, ())


@pytest.mark.skipif(find_spec("lm_eval") is None, reason="the extra `eval` is not installed")
def test_the_library_itself_answers_a_local_task_file_offline(asked, task_file: Path):
    (figure,) = evaluate.run({**asked, "tasks": [str(task_file)], "limit": None}, no_report)["figures"]
    assert (figure["task"], figure["items"], figure["test"]) == ("tiny_choice", ITEMS, "mcnemar")
    assert 0 <= figure["base"] <= 1
