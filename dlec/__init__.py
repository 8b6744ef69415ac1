"""Grow language models by repeating layers: check, preview, measure and merge plans from Python.

>>> import dlec
>>> dlec.check("plan.yaml").ok
True
>>> dlec.preview("plan.yaml", text=["wiki.txt"]).summary
'worse: +0.2231 nats per token (+0.1782 to +0.2769)'
>>> model = dlec.load("plan.yaml")  # a transformers model over the weights of its base
>>> dlec.merge("plan.yaml", "grown-model").out
PosixPath('grown-model')

A plan is the path of a plan file, or its text (any string with a line break). A model is a directory or the id of a
model in the local hub cache. Importing dlec loads neither torch nor transformers; functions load them when needed.
All functions raise subclasses of `dlec.DlecError`, whose message states what failed, why, and what to do.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version

from dlec.comparison import diff, origin
from dlec.measurements import preview, profile, sweep
from dlec.plans import check, load, merge
from dlec.results import (
    ChangedTensor,
    Check,
    Diff,
    HeldOutPlan,
    Layer,
    LayerOrigin,
    Merge,
    Origin,
    Preview,
    Problem,
    Profile,
    Result,
    Sample,
    Sweep,
    SweptPlan,
)
from engine.errors import DlecError

try:
    __version__ = _version("dlec")
except PackageNotFoundError:  # a checkout that is not installed
    __version__ = "0"

__all__ = [
    "ChangedTensor",
    "Check",
    "Diff",
    "DlecError",
    "HeldOutPlan",
    "Layer",
    "LayerOrigin",
    "Merge",
    "Origin",
    "Preview",
    "Problem",
    "Profile",
    "Result",
    "Sample",
    "Sweep",
    "SweptPlan",
    "check",
    "diff",
    "load",
    "merge",
    "origin",
    "preview",
    "profile",
    "sweep",
]
