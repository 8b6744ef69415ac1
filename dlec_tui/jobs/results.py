"""What a job's task answered: its honest verdict on one line, and all of it on several."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from dlec_tui.jobs.answers import (
    Answer,
    agreement,
    base_lines,
    both_models,
    files_text,
    load_check_from,
    load_check_text,
    measured_on,
    score_table,
    size_text,
    verdict,
)
from dlec_tui.jobs.eval_wording import eval_headline, eval_lines
from dlec_tui.jobs.proposal_wording import (
    classic_headline,
    classic_lines,
    proposal_headline,
    proposal_lines,
    reason_lines,
    search_lines,
)
from dlec_tui.jobs.sweep_wording import sweep_headline, sweep_lines
from dlec_tui.wording import printable
from engine.errors import escaped, shown
from engine.units import byte_size, duration, plural


def headline(task: str, answer: Answer) -> str:
    """What came out; "" for tasks whose answer is no figure, and for what another version has answered."""
    try:
        return _HEADLINES[task](answer)
    except (KeyError, TypeError, ValueError):
        return ""


def result_lines(task: str, answer: Answer) -> Iterator[str]:
    """Everything that there is to say; without colours."""
    return _LINES.get(task, _plain_lines)(answer)


def _merge_headline(answer: Answer) -> str:
    return f"{byte_size(answer['bytes'])}, {_loads_text(answer['loadcheck'])}"


def _verify_headline(answer: Answer) -> str:
    if answer["problems"]:
        return f"BROKEN: {plural(len(answer['problems']), 'problem')}"
    sums = "sums match" if answer["sums_checked"] else "files agree"
    return f"{sums}, {_loads_text(answer['loadcheck'])}"


def _loads_text(answer: Answer | None) -> str:
    found = load_check_from(answer)
    if found is None:
        return "load check skipped"
    if found.unavailable:
        return "load check not possible"
    return "loads" if found.ok else "DOES NOT LOAD"


def _preview_lines(answer: Answer) -> Iterator[str]:
    yield from both_models(answer)
    yield verdict(answer)
    yield from base_lines(answer)
    yield from filter(None, [agreement(answer)])
    yield measured_on(answer)


def _profile_lines(answer: Answer) -> Iterator[str]:
    yield f"{shown(answer['reference'])}: {plural(len(answer['layers']), 'layer')}"
    yield measured_on(answer)


def _score_lines(answer: Answer) -> Iterator[str]:
    yield f"{answer['metric']} of {plural(len(answer['scores']), 'block')}"
    yield from score_table(answer["scores"])
    yield measured_on(answer)


def _verify_lines(answer: Answer) -> Iterator[str]:
    yield f"{shown(answer['directory'])}: {size_text(answer)}"
    yield from (f"error: {escaped(problem)}" for problem in answer["problems"])
    if not answer["problems"]:
        yield files_text(sums_checked=answer["sums_checked"])
    yield from load_check_text(load_check_from(answer["loadcheck"])).splitlines()


def _generated_lines(answer: Answer) -> Iterator[str]:
    yield from (f"{name}: {printable(text)}" for name, text in answer.items())


def _plain_lines(answer: Answer) -> Iterator[str]:
    """Name and value of each figure."""
    for name, value in answer.items():
        if name == "loadcheck":
            yield from load_check_text(load_check_from(value)).splitlines()
        else:
            yield f"{shown(name).replace('_', ' '):18} {_plain(name, value)}"


def _plain(name: str, value: Any) -> str:
    if name == "bytes":
        return byte_size(value)
    if name == "seconds":
        return duration(value)
    match value:
        case str():
            return printable(value)
        case bool() | None:
            return {True: "yes", False: "no", None: "none"}[value]
        case float():
            return f"{value:.4g}"
        case list() | tuple() | dict():
            return f"{plural(len(value), 'entry', 'entries')}; dlec jobs show --json has them"
    return str(value)


_HEADLINES: Mapping[str, Callable[[Answer], str]] = {
    "preview": verdict,
    "profile": lambda answer: f"{plural(len(answer['layers']), 'layer')} measured",
    "score": lambda answer: f"{plural(len(answer['scores']), 'block')} measured",
    "sweep": sweep_headline,
    "propose": proposal_headline,
    "search": proposal_headline,
    "classic": classic_headline,
    "eval": eval_headline,
    "merge": _merge_headline,
    "verify": _verify_headline,
    "download": lambda answer: byte_size(answer["bytes"]),
}
_LINES: Mapping[str, Callable[[Answer], Iterator[str]]] = {
    "preview": _preview_lines,
    "profile": _profile_lines,
    "score": _score_lines,
    "sweep": sweep_lines,
    "propose": lambda answer: chain(proposal_lines(answer), reason_lines(answer)),
    "search": lambda answer: chain(search_lines(answer), reason_lines(answer)),
    "classic": classic_lines,
    "eval": eval_lines,
    "verify": _verify_lines,
    "generate": _generated_lines,
}
