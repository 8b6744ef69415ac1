"""The text that is measured on where none is given: prose about Python, the same with every version and on every host.

About 108,000 characters of the reference manual of Python 3.11, by topic; data/python_manual.LICENSE is its licence.
"""

import json
from importlib.resources import files

from engine.text.corpus import Corpus, Document, corpus_of

NAME = "the manual of Python 3.11"


def builtin_corpus() -> Corpus:
    """One document for each topic, in alphabetical order. No two share a paragraph."""
    text = files("engine.text").joinpath("data", "python_manual.jsonl").read_text(encoding="utf-8")
    return corpus_of(NAME, (Document(**json.loads(line)) for line in text.splitlines()))
