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
"""In the directory of the outputs: the homes of the array's tasks, named as their outputs."""
WARNING_SECONDS = 120
"""How long before the time is over a task is told to stop."""


@dataclass(frozen=True, slots=True)
class JobArray:
    """A merge for each task of the array."""

    plans: tuple[Path, ...]
    """Absolute, each with a name of its own."""
    out: Path
    """The directory of the outputs, absolute."""
    working_directory: Path
    """Where relative references in the plans are looked up."""
    options: tuple[str, ...]
    """Of `dlec batch`, for each of the plans."""


def script_of(array: JobArray) -> str:
    """For bash. It may be submitted again: what is done is found, what failed or was cut off goes on."""
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
    """What unites the stores; a name of several lines must not leave the comment."""
    yield "# When all tasks have ended, this puts what their stores hold into yours:"
    yield f"# dlec store merge {escaped(shlex.quote(str(_stores(array))))}"


def _stores(array: JobArray) -> Path:
    return array.out / STORES_DIRECTORY


_BODY = """
plan=${plans[${SLURM_ARRAY_TASK_ID:?submit this with sbatch}]}
# A store for each task: hosts that write to one SQLite file over a network had better not.
export DLEC_HOME="$stores/${names[SLURM_ARRAY_TASK_ID]}"

if [ "$(dlec jobs list --all --json)" = "[]" ]; then
    dlec batch "$plan" --out "$out" "${options[@]}" || exit
else
    # Begun before. Slurm has ended whoever ran it, perhaps on another host, and whoever submits it again means it.
    dlec jobs release 1 2>/dev/null
    dlec jobs retry 1 2>/dev/null
fi

came=        # the last signal
interrupted= # whether one has come since we began to wait
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

# 75: the worker was told to stop, and its merge is to go on. After SIGTERM (scancel, preemption) that is up to Slurm.
if [ "$code" -eq 75 ] && [ "$came" = USR1 ]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
"""
