"""Recipes for plans, one file each: from a checkpoint and options to the text of a plan."""
