"""Texts that people read in the product: docstrings, help, messages, comments, names, documentation."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "dlec_tui", "dlec")
_DESCRIBED = ("Action", "Recipe", "MeasuredRecipe")
"""Classes whose texts are shown as help."""
PROSE = ("README.md", "CONTRIBUTING.md", "Makefile")


class Kind(Enum):
    """Kind of a text, which decides the patterns that apply to it."""

    DOCSTRING = "docstring"
    """Docstring of a module, class, function or attribute."""
    HELP = "help"
    """Value of a `help=` argument, or the description of an action or recipe."""
    MESSAGE = "message"
    """Any other literal or f-string with a space in it."""
    COMMENT = "comment"
    NAME = "name"
    """Identifier of a variable, parameter, function, class or attribute, where it is defined."""
    PROSE = "prose"
    """Paragraph of a documentation page."""


@dataclass(frozen=True)
class Text:
    """A text and its place."""

    path: Path
    """Relative to the root of the project."""
    line: int
    kind: Kind
    text: str

    @property
    def room(self) -> str:
        """Package that owns the text, such as "engine/plan"; "docs" for documentation."""
        if self.kind is Kind.PROSE:
            return "docs"
        return "/".join(self.path.parts[:2]) if len(self.path.parts) > 2 else self.path.parts[0]


def packages(package: str) -> list[Path]:
    """Directories with modules directly below a top-level package."""
    return sorted({path.parent for path in (ROOT / package).glob("*/*.py")})


def product_texts() -> Iterator[Text]:
    """Every text of the product."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield from python_texts(path.relative_to(ROOT), path.read_text())
    for path in (*(ROOT / name for name in PROSE), *sorted((ROOT / "docs").glob("*.md"))):
        if path.exists():
            yield from prose_texts(path.relative_to(ROOT), path.read_text())


def python_texts(path: Path, source: str) -> Iterator[Text]:
    """Texts of one module."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr) and _is_text(node.value)}
    helps = {id(node.value) for node in nodes if isinstance(node, ast.keyword) and node.arg == "help"}
    described = [node for node in nodes if isinstance(node, ast.Call) and _callee(node) in _DESCRIBED]
    helps |= {id(part) for call in described for part in ast.walk(call) if " " in str(getattr(part, "value", ""))}
    inner = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if _is_text(node) and id(node) not in inner:
            kind = Kind.DOCSTRING if id(node) in docstrings else Kind.HELP if id(node) in helps else Kind.MESSAGE
            text = _content(node)
            if kind is not Kind.MESSAGE or " " in text:
                yield Text(path, node.lineno, kind, text)
    yield from (Text(path, line, Kind.NAME, name) for line, name in _definitions(nodes))
    yield from (Text(path, line, Kind.COMMENT, comment) for line, comment in _comments(source))


def prose_texts(path: Path, source: str) -> Iterator[Text]:
    """Paragraphs and lines of a page, without its code blocks."""
    in_code = False
    for number, line in enumerate(source.splitlines(), 1):
        if line.startswith("```"):
            in_code = not in_code
        elif not in_code and line.strip():
            yield Text(path, number, Kind.PROSE, re.sub(r"`[^`]*`", "`code`", line))


def _callee(call: ast.Call) -> str:
    """Name of a called function."""
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _content(node: ast.AST) -> str:
    """Text of a literal; "{}" takes the place of each value in an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value.strip()


def _definitions(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Line and name of everything that the nodes define."""
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")
