"""What `plan check` says of files beside the weights."""

import json

import pytest

from tests.tiny import write_llama


@pytest.fixture
def reported(workbench, tmp_path):
    """Checks `[0, 4]`, `[1, 6]` of a model with one more file; gives (severity, message) of each finding."""

    def reported(name, text, end=4):
        path = write_llama(tmp_path / "m")
        (path / name).write_text(text)
        workbench.add("m", path)
        problems = workbench.check(("m", 0, end), ("m", end - 3 if end < 6 else 0, 6)).problems
        return [(problem.severity, problem.message) for problem in problems if problem.rule == "sidecars"]

    return reported


def test_a_rewritten_file_is_a_note(reported):
    listed = json.dumps({"exclude_modules": ["model.layers.5*"]})
    assert reported("hf_quant_config.json", listed) == [
        ("note", "hf_quant_config.json names layers; rewritten for the new model")
    ]


def test_a_file_that_is_left_out_is_a_note_with_the_reason(reported):
    assert reported("imatrix.dat", "") == [("note", "imatrix.dat is left out (measured on the source's layers)")]


def test_a_quantisation_file_that_cannot_be_rewritten_is_an_error(reported):
    ((severity, message),) = reported("quantize_config.json", json.dumps({"dynamic": {"-:.*\\.5\\.(": {}}}))
    assert severity == "error"
    assert message.startswith("quantize_config.json: `dynamic` cannot follow the layers")


def test_ordinary_files_are_not_mentioned(reported):
    assert reported("generation_config.json", '{"eos_token_id": [1, 2, 3, 4, 5, 6]}') == []


def test_layers_in_the_generation_config_follow(reported):
    text = json.dumps({"temperature": 0.7, "dola_layers": [0, 2, 4]})
    assert reported("generation_config.json", text) == [
        ("note", "generation_config.json names layers; rewritten for the new model")
    ]


def test_a_quantisation_file_with_ranges_of_layers_is_an_error(reported):
    ((severity, _message),) = reported("quantize_config.json", json.dumps({"bits": {"0-2": 8, "3-5": 4}}))
    assert severity == "error"
