"""What the list of families promises."""

import subprocess
import sys

from engine.checkpoint.load_check import is_known_family
from tests.cases import cases


@cases(("model_type", "known"), [("llama", True), ("gemma3_text", True), ("brandnew", False)])
def test_it_is_the_installed_transformers_own(model_type, known):
    assert is_known_family(model_type) is known


def test_transformers_is_not_imported():
    look = "import sys; from engine.checkpoint.load_check import is_known_family as known; known('x')"
    code = f"{look}; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
