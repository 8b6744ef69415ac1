"""Spaces: sets of plans for one sweep, one file each, from a checkpoint and options to plans.

Every plan is written like that of a recipe and can be merged unchanged.
"""
