"""Inertness of zeroed copies of a checkpoint's layers: cached, or tried in a child process.

engine.inference.inertness tries it on a small random model, once for each config and version of transformers.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.load_check import library_versions
from engine.errors import CheckpointError, MachineError
from engine.plan.rules.facts import Inertness
from engine.tasks.answer_cache import Answer, AnswerCache, answer_cache

if TYPE_CHECKING:
    from engine.plan.recipes.registry import Recipe

MODULE = "engine.inference.inertness"
FOLDER = "inertness"
NO_LIBRARIES = "torch and transformers are not both installed"

_FORMAT = 2
"""Version of the trial: increase it when the trial changes."""

PROVEN = frozenset(
    {"llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma2", "gemma3_text", "phi3", "smollm3", "olmo2"}
)
"""Model types that need no trial: the tests show that zeroed copies of their layers are inert."""


@dataclass(frozen=True)
class InertnessTrials:
    """Cache of trials, and the child process that makes missing ones."""

    cache: AnswerCache

    def known(self, checkpoint: Checkpoint) -> Inertness:
        """Return the cached result of a trial. Starts no process."""
        if checkpoint.config.model_type in PROVEN:
            return Inertness()
        return _inertness(self.cache.find(_key(checkpoint)))

    def tried(self, checkpoint: Checkpoint) -> Inertness:
        """Return the result of a trial; a child process makes it if none is cached (about 5 s, once per config)."""
        if checkpoint.config.model_type in PROVEN or self.cache.find(_key(checkpoint)) is not None:
            return self.known(checkpoint)
        if not library_versions():
            return Inertness(unknown=NO_LIBRARIES)
        answer = _tried(checkpoint)
        self.cache.keep(_key(checkpoint), answer)
        return _inertness(answer)

    def written(self, recipe: "Recipe", checkpoint: Checkpoint, options: Any) -> str:
        """Return the text of a recipe's plan.

        Raises UsageError for options that do not fit, CheckpointError for layers that cannot be scaled as the recipe
        scales them, and for a recipe of inert copies where they would not be inert.
        """
        text = recipe.write(checkpoint, options)
        inertness = self.tried(checkpoint) if recipe.promises_inertness(options) else Inertness()
        if inertness.reason:
            raise CheckpointError(
                f"copies of layers of {checkpoint.reference} would not be inert",
                why=inertness.reason,
                fix="Use a recipe whose copies are meant to act (repeat, double-each, attenuated), and train it.",
            )
        return text


def inertness_trials(home: Path | None = None) -> InertnessTrials:
    """Return the trials of the store's directory `home`; None for the default."""
    return InertnessTrials(answer_cache(FOLDER, home))


def _inertness(answer: Answer | None) -> Inertness:
    fields = answer or {}
    return Inertness(str(fields.get("reason", "")), str(fields.get("unknown", "")))


def _tried(checkpoint: Checkpoint) -> Answer:
    from engine.tasks.process import run_child  # late: most plan checks start no process

    try:
        return run_child(MODULE, {"directory": str(checkpoint.config.path.parent.absolute())})
    except MachineError as error:
        return {"reason": "", "unknown": error.line}


def _key(checkpoint: Checkpoint) -> str:
    parts = (str(_FORMAT), *library_versions(), checkpoint.config.text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
