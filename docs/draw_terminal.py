"""Runs a command and draws what it prints as docs/demo.svg: a picture of the real screen.

python docs/draw_terminal.py dlec demo demo
"""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 100
PICTURE = Path(__file__).with_name("demo.svg")


def main(command: list[str]) -> None:
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(Text.from_ansi(done.stdout.replace(str(Path.cwd()), "~")))
    console.save_svg(str(PICTURE), title=" ".join(command))


if __name__ == "__main__":
    main(sys.argv[1:])
