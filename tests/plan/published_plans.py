"""Plans that people published, as facts: which layers of which model follow each other, what is scaled, how deep the
result is. Numbers alone, from the model cards and papers named; never their text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Scale: TypeAlias = Mapping[str, float]
"""Filter to factor."""
ZEROED: Scale = {"o_proj": 0.0, "down_proj": 0.0}


@dataclass(frozen=True, slots=True)
class Piece:
    """One slice."""

    model: str
    start: int
    end: int
    scale: Scale = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """One plan."""

    name: str
    depth: int
    """Layers of each model that it is made of."""
    pieces: Sequence[Piece]
    layers: int
    """Of the result, as published."""
    warns: tuple[str, ...] = ()
    """The rules that speak against it, in alphabetical order."""


def self_merge(model: str, *spans: tuple[int, int]) -> list[Piece]:
    return [Piece(model, *span) for span in spans]


def in_turn(models: Sequence[str], *spans: tuple[int, int]) -> list[Piece]:
    """The models take turns."""
    return [Piece(models[number % len(models)], *span) for number, span in enumerate(spans)]


def interleaved(model: str, depth: int, group: int) -> list[Piece]:
    """LLaMA Pro: after each group an inert copy of its last layer."""
    ends = range(group, depth + 1, group)
    return [each for end in ends for each in (Piece(model, end - group, end), Piece(model, end - 1, end, ZEROED))]


def block(model: str, start: int, end: int, depth: int) -> list[Piece]:
    """RYS: one block once more."""
    return self_merge(model, (0, end), (start, depth))


SEVENTIES = ("cognitivecomputations/dolphin-2.2-70b", "migtissera/SynthIA-70B-v1.2b", "WizardLM/WizardMath-70B-V1.0")
PROFESSOR = [
    Piece(SEVENTIES[0], 0, 1),
    Piece(SEVENTIES[0], 1, 20),
    Piece(SEVENTIES[1], 10, 30),
    Piece(SEVENTIES[2], 20, 40),
    Piece("epfl-llm/meditron-70b", 25, 45),
    Piece(SEVENTIES[0], 30, 50),
    Piece(SEVENTIES[1], 40, 60),
    Piece(SEVENTIES[2], 50, 70),
    Piece("epfl-llm/meditron-70b", 55, 75),
    Piece(SEVENTIES[0], 60, 79),
    Piece(SEVENTIES[0], 79, 80),
]
TENS = [(start, start + 20) for start in range(0, 61, 10)]
"""Twenty layers, ten back, and so on: how most models of 120B were made of 70B ones."""
GOLIATH = [(0, 16), (8, 24), (17, 32), (25, 40), (33, 48), (41, 56), (49, 64), (57, 72), (65, 80)]
TWENTIES = [(0, 16), (8, 24), (17, 32), (25, 40)]
MISTRAL = "mistralai/Mistral-7B-Instruct-v0.2"
OPENCHAT = "openchat/openchat-3.5-0106"
LLAMA3 = "meta-llama/Meta-Llama-3-8B-Instruct"
SMALL = "mistralai/Mistral-Small-Instruct-2409"
MIQU = "152334H/miqu-1-70b-sf"
BASE_15B = "meta-llama/Meta-Llama-3-8B"

PUBLISHED = (
    Published(
        "WestLake-10.7B-v2",
        32,
        self_merge("senseable/WestLake-7B-v2", (0, 9), (5, 14), (10, 19), (15, 24), (20, 32)),
        48,
    ),
    Published(
        "BA-Zephyria-39b",
        56,
        [Piece(SMALL, 0, 41), *[Piece(SMALL, 19, 41, ZEROED)] * 2, Piece(SMALL, 41, 55)],
        99,
        ("unused-layer",),
    ),
    Published(
        "OpenChat-3.5-0106_BlockExpansion-40Layers-End",
        32,
        [Piece(OPENCHAT, 0, 32), *[Piece(OPENCHAT, 31, 32, ZEROED)] * 8],
        40,
    ),
    Published("OpenChat-3.5-0106_8.99B_40Layers-Interleaved", 32, interleaved(OPENCHAT, 32, 4), 40),
    Published("LLaMA-Pro-8B", 32, interleaved("meta-llama/Llama-2-7b-hf", 32, 4), 40),
    Published(
        "Llama-3-15B-Instruct-zeroed",
        32,
        [Piece(BASE_15B, 0, 24), *[Piece(BASE_15B, 8, 24, ZEROED)] * 2, Piece(BASE_15B, 24, 32)],
        64,
    ),
    Published(
        "goliath-120b",
        80,
        in_turn(("Xwin-LM/Xwin-LM-70B-V0.1", "Sao10K/Euryale-1.3-L2-70B"), *GOLIATH),
        137,
        ("last-slice", "slice-sizes"),
    ),
    Published("miqu-1-120b", 80, self_merge(MIQU, *TENS), 140),
    Published("Venus-120b-v1.2", 80, self_merge("lizpreciatior/lzlv_70b_fp16_hf", *TENS), 140),
    Published("MegaDolphin-120b", 80, self_merge(SEVENTIES[0], *TENS), 140),
    Published("Meta-Llama-3-120B-Instruct", 80, self_merge("meta-llama/Meta-Llama-3-70B-Instruct", *TENS), 140),
    Published("miquliz-120b-v2.0", 80, in_turn((MIQU, "lizpreciatior/lzlv_70b_fp16_hf"), *TENS), 140),
    Published("TheProfessor-155b", 80, PROFESSOR, 180, ("jumps",)),
    Published("miqu-1-103b", 80, self_merge(MIQU, (0, 40), (20, 60), (40, 80)), 120),
    Published(
        "Aurora-Nights-103B-v1.0",
        80,
        self_merge("sophosympatheia/Aurora-Nights-70B-v1.0", (0, 40), (20, 60), (40, 80)),
        120,
    ),
    Published("bigstral-12b-32k", 32, self_merge(MISTRAL, *[(start, start + 8) for start in range(0, 25, 4)]), 56),
    Published(
        "Llama-3-13B-Instruct",
        32,
        self_merge(LLAMA3, (0, 10), (5, 15), (10, 20), (15, 25), (20, 25), (22, 32)),
        55,
        ("jumps", "repeats", "slice-sizes"),
    ),
    Published("Mistral-7B-Instruct-v0.2 in mergekit #53", 32, self_merge(MISTRAL, (0, 24), (8, 32)), 48),
    Published("SOLAR-10.7B-v1.0", 32, self_merge("mistralai/Mistral-7B-v0.1", (0, 24), (8, 32)), 48),
    Published("Yi-9B", 32, self_merge("01-ai/Yi-6B", (0, 28), (12, 32)), 48),
    Published(
        "loyal-piano-cybertron-11B",
        32,
        in_turn(("fblgit/una-cybertron-7b-v2", "chargoddard/loyal-piano-m7-cdpo"), (0, 24), (8, 32)),
        48,
    ),
    Published(
        "Mistral-11B-OpenOrcaPlatypus",
        32,
        in_turn(("Open-Orca/Mistral-7B-OpenOrca", "akjindal53244/Mistral-7B-v0.1-Open-Platypus"), (0, 24), (8, 32)),
        48,
    ),
    Published(
        "DPOpenHermes-11B",
        32,
        in_turn(
            ("openaccess-ai-collective/DPOpenHermes-7B@dpo-v0", "openaccess-ai-collective/DPOpenHermes-7B"),
            (0, 24),
            (8, 32),
        ),
        48,
    ),
    Published(
        "NeuralPipe-9B-merged",
        32,
        in_turn(("OpenPipe/mistral-ft-optimized-1218", "mlabonne/NeuralHermes-2.5-Mistral-7B"), (0, 32), (24, 32)),
        40,
        ("edge-layers",),
    ),
    Published(
        "GML-Mistral-merged-v1",
        32,
        in_turn(("quantumaikr/quantum-v0.01", "mncai/mistral-7b-dpo-v5"), (0, 32), (24, 32)),
        40,
        ("edge-layers",),
    ),
    Published(
        "NeuralBeagle14 and NeuralPearlBeagle",
        32,
        in_turn(("mlabonne/NeuralBeagle14-7B", "eldogbbhed/NeuralPearlBeagle"), (0, 20), (12, 32)),
        40,
    ),
    Published(
        "Psyonic-Cetacean-20B",
        40,
        in_turn(("microsoft/Orca-2-13b", "KoboldAI/LLaMA2-13B-Psyfighter2"), *TWENTIES),
        62,
        ("slice-sizes",),
    ),
    Published(
        "Thorns and Noromaid, 20B",
        40,
        in_turn(("Thorns-13B", "Noromaid-13B"), *TWENTIES),
        62,
        ("slice-sizes",),
    ),
    Published(
        "orcamini-platy-44layer",
        40,
        in_turn(("psmathur/orca_mini_v3_13b", "garage-bAInd/Platypus2-13B"), (0, 24), (20, 40)),
        44,
    ),
    Published("RYS-XLarge", 80, block("Qwen/Qwen2-72B-Instruct", 45, 52, 80), 87),
    Published("RYS-Qwen3.5-27B (33,34)", 64, block("Qwen/Qwen3.5-27B", 33, 34, 64), 65),
    Published("Devstral with layers 12 to 14 twice", 40, block("mistralai/Devstral-Small-2-24B", 12, 15, 40), 43),
    Published(
        "Qwen2.5-Coder-32B with layers 7 to 9 twice",
        64,
        block("Qwen/Qwen2.5-Coder-32B", 7, 10, 64),
        67,
        ("first-slice",),
    ),
    Published(
        "Llama-3.1-8b-Pruned-4-Layers",
        32,
        self_merge("meta-llama/Meta-Llama-3.1-8B", (0, 23), (28, 32)),
        27,
        ("unused-layer",),
    ),
)
