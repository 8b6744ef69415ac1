"""Checkpoints of any depth, as recipes' tests have them."""

from tests.plan.recipes.conftest import model_of

__all__ = ["model_of"]
