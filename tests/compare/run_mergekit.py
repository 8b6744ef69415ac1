"""Runs mergekit on plans: in its own environment, from the directory of the models. Knows nothing of dlec.

python run_mergekit.py PLANS OUT      every PLANS/*.yaml to OUT/NAME, what went wrong to OUT/outcomes.json
"""

import json
import sys
import tempfile
from pathlib import Path

import yaml
from click.testing import CliRunner
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
from mergekit.scripts.multimerge import main as multimerge

OPTIONS = MergeOptions(write_model_card=False, copy_tokenizer=False, quiet=True)


def merged(plan: Path, out: Path) -> str:
    """Why there is no result; "" when there is one."""
    text = plan.read_text()
    try:
        if "---\n" in text:
            return _merged_documents(plan, out)
        run_merge(MergeConfiguration.model_validate(yaml.safe_load(text)), str(out), OPTIONS)
    except Exception as error:  # whatever it is, it is the answer
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _merged_documents(plan: Path, out: Path) -> str:
    with tempfile.TemporaryDirectory() as directory:
        arguments = [str(plan), "--out-path", str(out), "-I", directory, "--no-write-model-card", "--no-copy-tokenizer"]
        result = CliRunner().invoke(multimerge, arguments)
    return f"{type(result.exception).__name__}: {result.exception}"[:300] if result.exception else ""


if __name__ == "__main__":
    plans, results = map(Path, sys.argv[1:])
    outcomes = {plan.stem: merged(plan, results / plan.stem) for plan in sorted(plans.glob("*.yaml"))}
    (results / "outcomes.json").write_text(json.dumps(outcomes))
