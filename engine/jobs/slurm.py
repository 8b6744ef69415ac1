"""A batch as a job array of Slurm: the text of the script that sbatch takes.

Slurm: https://slurm.schedmd.com/sbatch.html, https://slurm.schedmd.com/job_array.html
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import escaped
from engine.jobs.batch import output_name

STORES_DIRECTORY = ".dlec-slurm"
"""Subdirectory of the outputs for the stores of the array's tasks, named after their outputs."""
WARNING_SECONDS = 120
"""Time before the limit at which a task is signalled to stop."""


@dataclass(frozen=True, slots=True)
class JobArray:
    """A job array with one merge per task."""

    plans: tuple[Path, ...]
    """Absolute paths with distinct names."""
    out: Path
    """Directory of the outputs, absolute."""
    working_directory: Path
    """Directory in which relative references of the plans are resolved."""
    options: tuple[str, ...]
    """Options of `dlec batch` for each plan."""


def script_of(array: JobArray) -> str:
    """Return the bash script. Submitted again, it reuses finished merges and resumes failed and interrupted ones."""
    return "\n".join([*_heading(array), *_variables(array), _BODY, *_farewell(array), ""])


def _heading(array: JobArray) -> Iterator[str]:
    yield "#!/bin/bash"
    yield "# Submit this with sbatch, and what your cluster asks for: --partition, --account, --time, --mem."
    yield "#SBATCH --job-name=dlec"
    yield f"#SBATCH --array=0-{len(array.plans) - 1}"
    yield "#SBATCH --requeue"
    yield f"#SBATCH --signal=B:USR1@{WARNING_SECONDS}"
    yield "#SBATCH --open-mode=append"
    yield "#SBATCH --output=dlec-%A_%a.log"
    yield ""


def _variables(array: JobArray) -> Iterator[str]:
    yield from _bash_array("plans", [str(plan) for plan in array.plans])
    yield from _bash_array("names", [output_name(plan) for plan in array.plans])
    yield from _bash_array("options", array.options)
    yield f"out={shlex.quote(str(array.out))}"
    yield f"stores={shlex.quote(str(_stores(array)))}"
    yield f"cd -- {shlex.quote(str(array.working_directory))} || exit"


def _bash_array(name: str, words: Sequence[str]) -> Iterator[str]:
    yield f"{name}=("
    yield from (f"    {shlex.quote(word)}" for word in words)
    yield ")"


def _farewell(array: JobArray) -> Iterator[str]:
    """Comment with the command that merges the stores; escaped, so that a line break cannot end the comment."""
    yield "# When all tasks have ended, merge their stores into yours:"
    yield f"# dlec store merge {escaped(shlex.quote(str(_stores(array))))}"


def _stores(array: JobArray) -> Path:
    return array.out / STORES_DIRECTORY


_BODY = """
plan=${plans[${SLURM_ARRAY_TASK_ID:?submit this with sbatch}]}
# One store per task: hosts must not write to one SQLite file over a network.
export DLEC_HOME="$stores/${names[SLURM_ARRAY_TASK_ID]}"

if [ "$(dlec jobs list --all --json)" = "[]" ]; then
    dlec batch "$plan" --out "$out" "${options[@]}" || exit
else
    # A requeued or resubmitted task: Slurm has ended its earlier worker, perhaps on another host.
    dlec jobs release 1 2>/dev/null
    dlec jobs retry 1 2>/dev/null
fi

came=        # the last signal
interrupted= # set if a signal has arrived since the wait began
pass_on() {
    came=$1
    interrupted=yes
    kill -s "$1" "$worker" 2>/dev/null
}
dlec worker --until-empty --slot cpu &
worker=$!
trap 'pass_on USR1' USR1
trap 'pass_on TERM' TERM
wait "$worker"
code=$?
while [ -n "$interrupted" ]; do # a signal ends `wait` before it ends the worker
    interrupted=
    wait "$worker"
    code=$?
done

# 75: the worker was asked to exit, and its merge can be resumed. After SIGTERM (scancel, preemption) Slurm decides.
if [ "$code" -eq 75 ] && [ "$came" = USR1 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"""
