"""Default text for measurements: prose about Python, the same in every version and on every host.

It has about 108,000 characters of the reference manual of Python 3.11, by topic, under data/python_manual.LICENSE.
"""

import json
from importlib.resources import files

from engine.text.corpus import Corpus, Document, corpus_of

NAME = "the manual of Python 3.11"


def builtin_corpus() -> Corpus:
    """Return the built-in text, one document per topic, in alphabetical order. No two share a paragraph."""
    text = files("engine.text").joinpath("data", "python_manual.jsonl").read_text(encoding="utf-8")
    return corpus_of(NAME, (Document(**json.loads(line)) for line in text.splitlines()))
