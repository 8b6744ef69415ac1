"""Writes docs/rules.md anew from the rules' docstrings.

python docs/write_rules.py
"""

from pathlib import Path

from engine.plan.rules.documentation import page

PAGE = Path(__file__).with_name("rules.md")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
