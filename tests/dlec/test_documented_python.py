"""docs/python.md."""

import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import sqlite_utils  # noqa: F401 (imports pandas where it can: before the pretended one)

import dlec
from engine.text.corpus import builtin_corpus

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def pretended_pandas() -> ModuleType:
    module = ModuleType("pandas")
    module.__spec__ = ModuleSpec("pandas", None)
    module.DataFrame = list  # type: ignore[attr-defined]
    return module


def test_every_documented_block_runs(tiny_llama: Path, plan, tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "plan.yaml").write_text(plan((0, 4), (2, 6)))
    (tmp_path / "model").symlink_to(tiny_llama)
    texts = [document.text for document in builtin_corpus().documents]
    (tmp_path / "wiki.txt").write_text("\n\n".join(texts))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "pandas", pretended_pandas())
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL):
        exec(block, names)
    assert names["merged"].out == Path("grown-model")
    assert "missing.yaml cannot be read" in capsys.readouterr().out


def test_every_function_is_documented() -> None:
    functions = [name for name in dlec.__all__ if name.islower()]
    assert [name for name in functions if f"dlec.{name}(" not in PAGE.read_text()] == []
