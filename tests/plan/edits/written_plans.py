"""Plans as people write them: every style of list, comments, quotes, anchors, aliases, merge keys, line ends."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

MODELS = ("A", "org/model-7B", "./with space & colon: é", "層/モデル", "a[b]", "model #1", "C")

BLOCK_SCALES = (
    ["parameters:", "  scale: 0.5  # half"],
    ["parameters: {scale: [0, 1]}"],
    ["parameters:", "  scale:", "  - 0.0", "  - 1.0"],
    ["parameters:", "  scale:", "    - filter: o_proj", "      value: 0  # inert", "    - {value: 1.0}"],
    ["parameters:", "  scale:", "    - {filter: down_proj, value: 0.0}", "    - {filter: o_proj, value: 0.0}"],
)


LAST = 32
"""The end of the longest range; only such an end carries an anchor, so that no range is reversed."""
KINDS = ("slice", "sources", "model", "range", "bound")
"""What may carry an anchor."""


@dataclass
class Writer:
    """Draws what is written, and knows the anchors that may be referred to."""

    draw: st.DrawFn
    with_anchors: bool
    names: int = 0
    anchors: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def one_of(self, *choices):
        return self.draw(st.sampled_from(choices))

    def often(self):
        return self.draw(st.booleans())

    def comment(self):
        return self.one_of("", "", "  # was [0, 4]: - {x}", " # é 層")

    def known(self, kind):
        """An alias, when there is something to refer to."""
        if self.with_anchors and self.anchors[kind] and self.often():
            return f"*{self.draw(st.sampled_from(self.anchors[kind]))}"
        return None

    def anchored(self, kind, value=""):
        """A value that perhaps carries an anchor."""
        if not self.with_anchors or not self.often():
            return value
        self.names += 1
        self.anchors[kind].append(f"{kind}{self.names}")
        return f"&{kind}{self.names} {value}".rstrip()


@st.composite
def block_plans(draw, with_anchors=False, max_slices=5):
    """A plan with its slices in a list with dashes."""
    writer = Writer(draw, with_anchors)
    margin = writer.one_of(0, 2, 4)
    lines = ["# a plan", "", "merge_method:   passthrough", *_dummies(writer)]
    lines += [f"slices:{writer.comment()}"]
    for _ in range(draw(st.integers(1, max_slices))):
        lines += [f"{' ' * margin}{line}" if line else "" for line in _block_slice(writer)]
        lines += writer.one_of([], [], [""], ["", "# set off", ""])
    lines += writer.one_of([], ["dtype: bfloat16 # half"], ["", "# the end"])
    return _joined(writer, lines)


@st.composite
def flow_plans(draw, with_anchors=False, max_slices=5):
    """A plan with its slices in a list with brackets."""
    writer = Writer(draw, with_anchors)
    slices = [_flow_slice(writer) for _ in range(draw(st.integers(1, max_slices)))]
    gap = writer.one_of(" ", "", "\n    ")
    inside = f",{gap}".join(slices)
    text = f"merge_method: passthrough\nslices: [{gap}{inside}{writer.one_of('', ',', ' ')}]{writer.comment()}\n"
    return _joined(writer, [*_dummies(writer), *text.split("\n")])


@st.composite
def json_plans(draw, max_slices=5):
    """A plan that is JSON."""
    import json

    count = draw(st.integers(1, max_slices))
    slices = [
        {"sources": [{"model": draw(st.sampled_from(MODELS)), "layer_range": list(draw(ranges()))}]}
        for _ in range(count)
    ]
    document = {"merge_method": "passthrough", "slices": slices, "dtype": "float16"}
    indent = draw(st.sampled_from([None, 2, 4]))
    return json.dumps(document, indent=indent, ensure_ascii=draw(st.booleans()))


@st.composite
def ranges(draw):
    start = draw(st.integers(0, 30))
    return start, draw(st.integers(start, LAST))


def plans(with_anchors=False):
    kinds = [block_plans(with_anchors), flow_plans(with_anchors)]
    return st.one_of(*kinds) if with_anchors else st.one_of(*kinds, json_plans())


def _dummies(writer):
    """mergekit users' holders of anchors."""
    if not writer.with_anchors:
        return []
    lines = ["const: &env {parameters: {scale: [{filter: o_proj, value: 0.5}, {value: 1.0}]}}"]
    if writer.often():
        lines += ["const: &range0", "  - 1", "  - 3  # three"]
        writer.anchors["range"].append("range0")
    if writer.often():
        lines += ["base_model: &model0 A"]
        writer.anchors["model"].append("model0")
    return lines


def _block_slice(writer):
    lines = writer.one_of([], [], ["# about the next"], ["# two lines", "# of it"])
    alias = writer.known("slice")
    if alias is not None:
        return [*lines, f"- {alias}{writer.comment()}"]
    if writer.one_of(True, False, False, False):
        return [*lines, f"- {_flow_slice(writer)}{writer.comment()}"]
    carrier = writer.anchored("slice")
    offset = writer.one_of(2, 4)
    begin = [f"- {carrier}{writer.comment()}", "  "] if carrier else ["- "]
    alias = writer.known("sources")
    if alias is not None:
        return [*lines, *begin[:-1], f"{begin[-1]}sources: {alias}{writer.comment()}"]
    sources = f"sources: {writer.anchored('sources')}".rstrip()
    lines += [*begin[:-1], f"{begin[-1]}{sources}{writer.comment()}"]
    lines += [f"{' ' * offset}{line}" for line in _block_source(writer)]
    return lines + writer.one_of([], [], ["      # parameters: {scale: 2}"])


def _block_source(writer):
    if writer.one_of(True, False, False):
        return [f"- {_flow_source(writer)}{writer.comment()}"]
    entries = [[f"model: {_model(writer)}{writer.comment()}"], _block_range(writer)]
    if writer.with_anchors and writer.one_of(True, False, False):
        entries.append(["<<: *env"])
    entries.append(writer.one_of([], [], *BLOCK_SCALES))
    first, *rest = [line for entry in _in_any_order(writer, entries) for line in entry]
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _in_any_order(writer, entries):
    return [entry for entry in writer.draw(st.permutations(entries)) if entry]


def _block_range(writer):
    if writer.one_of(True, False, False):
        start, end = writer.draw(ranges())
        return [f"layer_range:{writer.comment()}", f"  - {start}", f"  - {end}{writer.comment()}"]
    return [f"layer_range: {_range(writer)}{writer.comment()}"]


def _flow_slice(writer):
    alias = writer.known("slice")
    if alias is not None:
        return alias
    sources = writer.known("sources") or writer.anchored("sources", f"[{_flow_source(writer)}]")
    return writer.anchored("slice", f"{{sources: {sources}}}")


def _flow_source(writer):
    parts = [f"model: {_model(writer)}", f"layer_range: {_range(writer)}"]
    if writer.with_anchors and writer.one_of(True, False, False):
        parts.append("<<: *env")
    parts += writer.one_of([], [], ["parameters: {scale: 0.25}"], ["parameters: {scale: [{filter: mlp, value: 2}]}"])
    return f"{{{', '.join(parts)}}}"


def _model(writer):
    name = writer.one_of(*MODELS)
    quote = writer.one_of('"', "'", "") if name.isascii() and not set(name) & set(" [#:") else '"'
    return writer.known("model") or writer.anchored("model", f"{quote}{name}{quote}")


def _range(writer):
    alias = writer.known("range")
    if alias is not None:
        return alias
    start, end = writer.draw(ranges())
    first, last = writer.one_of((start, end), (f'"{start}"', end), (start, f"{end}.0"))
    last = writer.anchored("bound", last) if end == LAST else (writer.known("bound") or last)
    return writer.anchored("range", f"[{first}, {last}]")


def _joined(writer, lines):
    """With one of the line ends; the last line has one or not."""
    text = "\n".join(lines).rstrip("\n") + writer.one_of("", "\n", "\n\n")
    return writer.one_of("", "", "\ufeff") + text.replace("\n", writer.one_of("\n", "\n", "\r\n"))
