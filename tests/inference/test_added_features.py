"""Qwen3-VL adds image features behind its lowest layers by their numbers: what dlec takes for these layers is right."""

import pytest
import torch
from transformers import AutoConfig, Qwen3VLForConditionalGeneration

from engine.checkpoint.checkpoint import open_checkpoint
from engine.checkpoint.layer_keys.refusals import layers_in_place
from engine.inference import virtual
from engine.plan.recipes.blocks import zeroing

WIDTH, LAYERS, IMAGE_TOKENS = 32, 5, 4


@pytest.fixture(scope="module")
def qwen3_vl(tmp_path_factory):
    text = {
        "vocab_size": 64,
        "hidden_size": WIDTH,
        "intermediate_size": 48,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]},
    }
    vision = {
        "depth": 3,
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_heads": 2,
        "out_hidden_size": WIDTH,
        "deepstack_visual_indexes": [0, 2],
    }
    config = AutoConfig.for_model("qwen3_vl", text_config=text, vision_config=vision)
    torch.manual_seed(0)
    directory = tmp_path_factory.mktemp("features") / "qwen3-vl"
    Qwen3VLForConditionalGeneration(config).float().save_pretrained(directory)
    return open_checkpoint(directory)


def plan_with_a_silenced_copy_of(checkpoint, layer):
    scales = ", ".join(f"{{filter: {expected}, value: 0.0}}" for expected, _ in zeroing(checkpoint, (layer, layer + 1)))
    model = checkpoint.directory
    return f"""merge_method: passthrough
slices:
- sources: [{{model: {model}, layer_range: [0, {layer + 1}]}}]
- sources: [{{model: {model}, layer_range: [{layer}, {layer + 1}], parameters: {{scale: [{scales}]}}}}]
- sources: [{{model: {model}, layer_range: [{layer + 1}, {LAYERS}]}}]
"""


def read_image(model):
    """The last hidden states of tokens of which the first ones are an image's."""
    generator = torch.Generator().manual_seed(1)
    embedded = torch.randn(1, 9, WIDTH, generator=generator)
    is_image = torch.arange(9)[None] < IMAGE_TOKENS
    features = [torch.randn(IMAGE_TOKENS, WIDTH, generator=generator) for _ in range(2)]
    decoder = model.model.language_model
    with torch.inference_mode():
        return decoder(
            inputs_embeds=embedded, visual_pos_masks=is_image, deepstack_visual_embeds=features, use_cache=False
        ).last_hidden_state


def test_a_copy_is_inert_for_images_from_the_last_of_these_layers_on(qwen3_vl):
    fixed = layers_in_place(qwen3_vl.config)
    assert fixed == 2
    base = read_image(virtual.load(f"merge_method: passthrough\nmodels: [{{model: {qwen3_vl.directory}}}]\n"))
    is_inert = [
        torch.equal(read_image(virtual.load(plan_with_a_silenced_copy_of(qwen3_vl, layer))), base)
        for layer in range(LAYERS - 1)
    ]
    assert is_inert == [layer >= fixed - 1 for layer in range(LAYERS - 1)]
