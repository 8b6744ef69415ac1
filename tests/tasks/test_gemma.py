"""Gemma 3 270M needs the <bos> that its tokenizer puts before a text: without it, it predicts worse by two nats, and
the verdict on repeating a layer turns round."""

from pathlib import Path
from typing import Any

import pytest

from engine.inference.sampling import spread
from engine.protocol import no_report
from engine.tasks import preview
from engine.tasks.measurement_options import MeasurementOptions, corpus_of
from engine.text.corpus import Split, documents_of

pytestmark = pytest.mark.real_model

SEQUENCES, TOKENS = 16, 24
LAYER = 13


def repeated(model: Path, layer: int, layers: int = 18) -> str:
    slices = [f"- sources: [{{model: {model}, layer_range: {part}}}]" for part in ([0, layer + 1], [layer, layers])]
    return "\n".join(["slices:", *slices, "merge_method: passthrough", ""])


@pytest.fixture(scope="module")
def found(gemma3_270m: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Layer 13 run twice, on the built-in text."""
    home = str(tmp_path_factory.mktemp("home"))
    request = {"tokens": SEQUENCES * TOKENS, "seq_len": TOKENS, "device": "cpu", "dtype": "float32", "home": home}
    return preview.run({**request, "split": Split.HELDOUT, "plan": repeated(gemma3_270m, LAYER)}, no_report)


def test_the_base_is_what_transformers_computes_with_the_tokenizers_own_beginning(
    found: dict[str, Any], gemma3_270m: Path
) -> None:
    """Beginnings of the same documents, each as its tokenizer makes it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gemma3_270m)
    model = AutoModelForCausalLM.from_pretrained(gemma3_270m, dtype=torch.float32)
    documents = documents_of(corpus_of(MeasurementOptions()), Split.HELDOUT)
    texts = [tokenizer(documents[number].text)["input_ids"] for number in spread(len(documents))]
    rows = torch.tensor([tokens[:TOKENS] for tokens in texts if len(tokens) >= TOKENS])
    assert (rows[:, 0] == tokenizer.bos_token_id).all()
    with torch.inference_mode():
        losses = [float(model(row[None], labels=row[None], use_cache=False).loss) for row in rows[:SEQUENCES]]
    assert found["sample"]["prefix"] == "<bos>"
    assert found["base"]["nll"] == pytest.approx(sum(losses) / len(losses), abs=0.05)


def test_repeating_layer_13_is_worse(found: dict[str, Any]) -> None:
    assert found["base_check"]["ok"], found["base_check"]
    assert found["base_check"]["other_nll"] > found["base_check"]["own_nll"] + 1
    assert found["delta_nll"] > 0
    assert found["interval95"][0] > 0
