"""What tasks answer, in words that the screen and the command line share."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlec_tui.wording import harm, inconclusive
from engine.errors import escaped, shown
from engine.tasks.base_check import NOT_CHECKED
from engine.tasks.loadcheck import LoadCheck
from engine.text.corpus import Half
from engine.units import byte_size, count, duration, plural

ON_HALF = {Half.JUDGING: "on text not used to choose it", Half.CHOOSING: "on the half that is for choosing"}
_MOST_SCORES = 12
"""Blocks in the table of scores."""

Answer = Mapping[str, Any]


def verdict(found: Answer) -> str:
    """Of a preview, in perplexity and with the 95 % interval: "worse by 9.6 %, between 8.9 and 10.3, on text ..."."""
    if found["delta_nll"] is None:
        return not_finite_text(found)
    say = inconclusive if base_findings(found) else harm
    return f"{say(found['delta_nll'], *found['interval95'])}, {ON_HALF[Half(found['half'])]}"


def not_finite_text(found: Answer) -> str:
    """Who computed no numbers, and how often."""
    counts = found["not_finite"]
    said = [f"the {name} computes NaN or infinity for {count:,}" for name, count in counts.items() if count]
    return f"{' and '.join(said)} of {found['tokens']:,} tokens; there is nothing to compare"


def base_findings(found: Answer) -> Sequence[str]:
    """Why the base predicts worse than it should; empty where all is well. Answers of earlier versions say nothing."""
    check = found.get("base_check")
    return [NOT_CHECKED] if check is None else check["findings"]


def base_lines(found: Answer) -> Iterator[str]:
    """The same for people."""
    yield from (f"caution: {escaped(finding)}" for finding in base_findings(found))


def both_models(found: Answer) -> Iterator[str]:
    """How well base and plan predict."""
    yield "          NLL   perplexity"
    for name in ("base", "plan"):
        nll, perplexity = found[name]["nll"], found[name]["perplexity"]
        yield f"{name}      NaN          NaN" if nll is None else f"{name}   {nll:.4f}   {perplexity:10.2f}"


def agreement(found: Answer) -> str:
    """How alike base and plan predict; "" where one of them computes no numbers."""
    if found["kl"] is None:
        return ""
    return f"KL {found['kl']:.4f} nats a token; the same first choice for {found['top1_agreement']:.1%} of the tokens"


def measured_on(answer: Answer) -> str:
    """On how much of which text, in which dtype; then what there is to know of it, a line each."""
    key = answer["key"]
    asked = f"up to {key['tokens'] // key['seq_len'] * key['seq_len']:,} tokens"
    counted = answer if "tokens" in answer else answer.get("sample")
    got = f"{counted['tokens']:,} tokens in {plural(counted['sequences'], 'sequence')}" if counted else asked
    sample = answer.get("sample")
    text = f"{_documents(sample)}{shown(answer['corpus'])} ({key['half']} half, {key['text_sha256'][:8]})"
    notes = [f"note: {escaped(note)}" for note in sample["notes"]] if sample else []
    found = ["found in the store, not measured again"] if answer["found"] else []
    return "\n".join([f"{got} of {text}, {key['dtype']}", *notes, *found])


def _documents(sample: Answer | None) -> str:
    return f"{sample['documents']:,} of {plural(sample['documents_in_half'], 'document')} of " if sample else ""


def score_table(scores: Sequence[Answer]) -> Iterator[str]:
    """The lowest first."""
    yield "  block      score  standard error"
    for each in sorted(scores, key=lambda each: float(each["value"]))[:_MOST_SCORES]:
        block, error = f"{each['start']}:{each['end']}", each["se"]
        yield f"{block:>7}  {each['value']:>9.4f}  {'' if error is None else f'{error:>14.4f}'}".rstrip()
    if len(scores) > _MOST_SCORES:
        yield f"and {len(scores) - _MOST_SCORES} more, all of them with --json"


def load_check_text(found: LoadCheck | None) -> str:
    """One line, and one for each thing that is worth knowing."""
    remarks = (f"load check: {escaped(remark)}" for remark in (found.remarks if found else ()))
    return "\n".join([_load_check_line(found), *remarks])


def _load_check_line(found: LoadCheck | None) -> str:
    if found is None:
        return "load check: skipped"
    if found.unavailable:
        return f"load check: not possible, {escaped(found.unavailable)}"
    if found.ok:
        nothing = "nothing else" if found.remarks else "nothing"
        seconds = duration(found.seconds)
        return f"load check: {found.architecture}, {nothing} missing, unexpected or mis-shaped ({seconds})"
    return f"load check: FAILED, {escaped(found.why)}"


def load_check_from(answer: Answer | None) -> LoadCheck | None:
    """From a task's answer; what follows from the other fields is left out."""
    return LoadCheck(**{name: value for name, value in answer.items() if name != "ok"}) if answer else None


def size_text(verified: Answer) -> str:
    """Of a checkpoint that was verified."""
    size = f"{byte_size(verified['bytes'])} in {plural(verified['shards'], 'file')}"
    return f"{plural(verified['layers'], 'layer')}, {count(verified['parameters'])} parameters, {size}"


def files_text(*, sums_checked: bool) -> str:
    """Of a checkpoint whose files are as they should be."""
    sums = "SHA256SUMS match" if sums_checked else "there is no SHA256SUMS to compare with"
    return f"files: headers, index and config agree; {sums}"
