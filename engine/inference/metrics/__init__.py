"""Metrics of blocks that cost more than a profile. Each module states formula, shapes, units, cost and source."""

from collections.abc import Mapping

from engine.inference.metrics import ablation, duplication, logit_lens, second_pass
from engine.inference.metrics.block_metric import Measure

METRICS: Mapping[str, Measure] = {
    "second_pass": second_pass.measure,
    "duplication": duplication.measure,
    "ablation": ablation.measure,
    "logit_lens": logit_lens.measure,
}
"""Metrics by module name."""
