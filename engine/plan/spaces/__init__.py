"""Spaces: sets of plans to be measured together, a file each, from a checkpoint and options to plans.

Every plan is written as a recipe would write it, so that whichever is liked can be merged as it stands.
"""
