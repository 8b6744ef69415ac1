"""Results of tasks as text for screen and command line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlec_tui.terminal.glyphs import GLYPHS
from dlec_tui.wording import harm, inconclusive
from engine.errors import escaped, shown
from engine.tasks.base_check import NOT_CHECKED
from engine.tasks.loadcheck import LoadCheck
from engine.text.corpus import Split
from engine.units import byte_size, count, duration, plural

ON_SPLIT = {Split.HELDOUT: "on text not used to choose it", Split.SELECTION: "on the selection set"}
_MOST_SCORES = 12
"""Maximum number of blocks in the table of scores."""

Answer = Mapping[str, Any]


def verdict(answer: Answer) -> str:
    """Verdict of a preview: change of perplexity with its 95 % interval, and the text."""
    if answer["delta_nll"] is None:
        return not_finite_text(answer)
    say = inconclusive if base_findings(answer) else harm
    return f"{say(answer['delta_nll'], *answer['interval95'])}, {ON_SPLIT[Split(answer['split'])]}"


def not_finite_text(answer: Answer) -> str:
    """Models that produced NaN or infinity, with the number of tokens."""
    counts = answer["not_finite"]
    said = [f"the {name} computes NaN or infinity for {count:,}" for name, count in counts.items() if count]
    return f"{' and '.join(said)} of {answer['tokens']:,} tokens; nothing to compare"


def base_findings(answer: Answer) -> Sequence[str]:
    """Reasons why the base predicts worse than expected; empty for a sound base."""
    check = answer.get("base_check")
    return [NOT_CHECKED] if check is None else check["findings"]


def base_lines(answer: Answer) -> Iterator[str]:
    """The same as lines of text."""
    yield from (f"caution: {escaped(finding)}" for finding in base_findings(answer))


def both_models(answer: Answer) -> Iterator[str]:
    """NLL and perplexity of base and plan."""
    yield "          NLL   perplexity"
    for name in ("base", "plan"):
        nll, perplexity = answer[name]["nll"], answer[name]["perplexity"]
        yield f"{name}      NaN          NaN" if nll is None else f"{name}   {nll:.4f}   {perplexity:10.2f}"


def agreement(answer: Answer) -> str:
    """Similarity of the predictions of base and plan; "" if one of them produces NaN."""
    if answer["kl"] is None:
        return ""
    return (
        f"KL {answer['kl']:.4f} nats per token; same top-1 prediction for {answer['top1_agreement']:.1%} of the tokens"
    )


def measured_on(answer: Answer) -> str:
    """Amount of text, text and dtype of a measurement, then its notes."""
    key = answer["key"]
    requested = f"up to {key['tokens'] // key['seq_len'] * key['seq_len']:,} tokens"
    counted = answer if "tokens" in answer else answer.get("sample")
    got = f"{counted['tokens']:,} tokens in {plural(counted['sequences'], 'sequence')}" if counted else requested
    sample = answer.get("sample")
    text = f"{_documents(sample)}{shown(answer['corpus'])} ({Split(key['split']).label}, {key['text_sha256'][:8]})"
    notes = [f"note: {escaped(note)}" for note in sample["notes"]] if sample else []
    reused = ["found in the store, not measured again"] if answer["stored"] else []
    return "\n".join([f"{got} of {text}, {key['dtype']}", *notes, *reused])


def _documents(sample: Answer | None) -> str:
    return f"{sample['documents']:,} of {plural(sample['documents_in_split'], 'document')} of " if sample else ""


def score_table(scores: Sequence[Answer]) -> Iterator[str]:
    """Table of scores, lowest first."""
    yield "  block      score  standard error"
    for each in sorted(scores, key=lambda each: float(each["value"]))[:_MOST_SCORES]:
        block, error = f"{each['start']}:{each['end']}", each["se"]
        yield f"{block:>7}  {each['value']:>9.4f}  {'' if error is None else f'{error:>14.4f}'}".rstrip()
    if len(scores) > _MOST_SCORES:
        yield f"and {len(scores) - _MOST_SCORES} more (--json lists all)"


def load_check_text(answer: LoadCheck | None) -> str:
    """Result of a load check, one line for each remark."""
    remarks = (f"load check: {escaped(remark)}" for remark in (answer.remarks if answer else ()))
    return "\n".join([_load_check_line(answer), *remarks])


def _load_check_line(answer: LoadCheck | None) -> str:
    if answer is None:
        return "load check: skipped"
    if answer.unavailable:
        return f"load check: not possible, {escaped(answer.unavailable)}"
    if answer.ok:
        nothing = "nothing else" if answer.remarks else "nothing"
        seconds = duration(answer.seconds)
        return f"load check: {answer.architecture}, {nothing} missing, unexpected or mis-shaped ({seconds})"
    return f"load check: FAILED, {escaped(answer.why)}"


def load_check_from(answer: Answer | None) -> LoadCheck | None:
    """Load check in the answer of a task, without derived fields."""
    return LoadCheck(**{name: value for name, value in answer.items() if name != "ok"}) if answer else None


def size_text(verified: Answer) -> str:
    """Size of a verified checkpoint."""
    size = f"{byte_size(verified['bytes'])} in {plural(verified['shards'], 'file')}"
    return f"{plural(verified['layers'], 'layer')}, {count(verified['parameters'])} parameters, {size}"


def files_text(*, sums_checked: bool) -> str:
    """Summary of the files of a correct checkpoint."""
    sums = "SHA256SUMS match" if sums_checked else "no SHA256SUMS to compare with"
    return f"files: headers, index and config agree; {sums}"


def eval_headline(answer: Answer) -> str:
    """Number of significant differences, adjusted for the number of figures."""
    tested = [each for each in answer["figures"] if each["p"] is not None]
    moved = [each for each in tested if each["p"] * len(tested) < 0.05]
    if not moved:
        return f"no significant difference in {len(tested)} figures"
    return f"{len(moved)} of {len(tested)} figures differ: {', '.join(_moved_figure(each) for each in moved[:3])}"


def eval_lines(answer: Answer) -> Iterator[str]:
    """Table of tasks and metrics with the conclusion."""
    names = [f"{shown(each['task'])} {shown(each['metric'])}" for each in answer["figures"]]
    width = max(map(len, names), default=0)
    yield f"{'':{width}}  {'base':>16}  {'plan':>16}  items, paired"
    for name, each in zip(names, answer["figures"], strict=True):
        yield f"{name:{width}}  {_eval_value(each, 'base'):>16}  {_eval_value(each, 'plan'):>16}  {_eval_paired(each)}"
    yield eval_headline(answer)
    yield from base_lines(answer)
    yield f"{shown(answer['reference'])}, {answer['dtype']}" + (
        f", {answer['limit']} items per task" if answer["limit"] else ""
    )


def _eval_value(each: Answer, side: str) -> str:
    se = each[f"{side}_se"]
    return f"{each[side]:.4f}" + ("" if se is None else f" {GLYPHS.plus_minus} {se:.4f}")


def _eval_paired(each: Answer) -> str:
    if each["p"] is None:
        return f"{each['items']}, too few for a test" if each["items"] else "not item by item"
    if each["test"] == "mcnemar":
        moved = f"{each['only_plan']} gained, {each['only_base']} lost"
        return f"{each['items']}: {moved}, p = {each['p']:.2g} (exact McNemar)"
    return f"{each['items']}: {each['delta']:+.4f}, p = {each['p']:.2g} (paired t)"


def _moved_figure(each: Answer) -> str:
    return f"{shown(each['task'])} {each['base']:.3f} to {each['plan']:.3f}"


_NAME_WIDTH = 24
_MOST_SHORTLISTED = 12
"""Maximum number of plans in a table; --json has all of them."""


def proposal_headline(answer: Answer) -> str:
    """Effect of the proposed plan on held-out text."""
    return verdict(answer["heldout"])


def proposal_lines(answer: Answer) -> Iterator[str]:
    """Measured shortlist, result on held-out text, and the naive plan for comparison."""
    yield "block     residual   delta NLL, nats per token"
    for each in answer["shortlist"]:
        block = f"{each['start']}-{each['end'] - 1}"
        yield f"{block:9} {each['residual']:8.4f}   {each['delta_nll']:+.4f} ± {each['se']:.4f}"
    start, end = answer["block"]
    yield f"proposed: repeat layers {start}:{end}"
    yield f"    {verdict(answer['heldout'])}"
    layers = answer["naive"]["layers"]
    yield f"the {plural(len(layers), 'best single layer')} ({', '.join(map(str, layers))}) instead"
    yield f"    {verdict(answer['naive']['heldout'])}"
    yield from base_lines(answer["heldout"])
    yield measured_on(answer["heldout"])


def reason_lines(answer: Answer) -> Iterator[str]:
    """Reasons for the plan, as in its comments."""
    yield from (escaped(line) for line in answer.get("reason", ()))


def search_lines(answer: Answer) -> Iterator[str]:
    """Evaluated shortlist and its conclusion."""
    yield f"{plural(sum(answer['tried'].values()), 'plan')} tried; the best, on held-out text:"
    for plan in answer["shortlist"][:_MOST_SHORTLISTED]:
        if plan["delta_nll"] is None:
            yield f"{shown(plan['name']):{_NAME_WIDTH}}  produces NaN"
            continue
        low, high = plan["interval95"]
        yield (
            f"{shown(plan['name']):{_NAME_WIDTH}}  {plan['delta_nll']:+.4f}  {low:+.4f} {high:+.4f}"
            f"  adjusted p {plan['holm_p']:.2g}"
        )
    yield f"proposed: repeat {shown(answer['shortlist'][0]['name'])}"
    yield f"    {verdict(answer['heldout'])}"
    yield from base_lines(answer)
    yield measured_on(answer)


def classic_headline(answer: Answer) -> str:
    """Number of layers that the rule keeps."""
    from engine.plan.recipes.dlec_classic import (
        kept_layers,  # late: recipes import YAML, which `dlec jobs` does not need
    )

    shares = answer["shares"]
    return f"keeps {len(kept_layers(shares))} of {plural(len(shares), 'layer')}"


def classic_lines(answer: Answer) -> Iterator[str]:
    """Share of each layer's magnitudes above the threshold, and the decision about the layer."""
    from engine.plan.recipes.dlec_classic import kept_layers

    kept = kept_layers(answer["shares"])
    yield classic_headline(answer)
    yield "layer   share above the threshold"
    for layer, share in enumerate(answer["shares"]):
        yield f"{layer:>5}   {100 * share:5.1f} %   {'kept' if layer in kept else 'removed'}"
