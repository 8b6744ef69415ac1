"""The plan being edited: its text, where it is saved, and one history for every way of editing it. No Textual."""

from dataclasses import dataclass, replace
from pathlib import Path

MOST_STEPS = 200
"""Maximum number of undo steps."""
MOST_CHARACTERS = 2_000_000
"""Maximum length of all texts together: the session is saved a second after an edit, and must not be noticeable."""


@dataclass(frozen=True, slots=True)
class Step:
    """One state of the text."""

    text: str
    what: str
    """The edit that led to it: "delete slice 3", "typing"."""


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan between two keystrokes. Every change gives a new one."""

    present: Step = Step("", "")
    past: tuple[Step, ...] = ()
    """The last one is undone first."""
    future: tuple[Step, ...] = ()
    """The last one is redone first."""
    path: Path | None = None
    """File that the plan was opened from or saved to."""
    saved: str | None = None
    """The text that is in the file; None when there is no file."""
    justification: str = ""
    """Measurements that led to the plan, in words; stored with previews."""

    @property
    def text(self) -> str:
        return self.present.text

    @property
    def is_changed(self) -> bool:
        """Whether something would be lost without saving."""
        return self.text != (self.saved or "")

    def edited(self, text: str, what: str, *, joins: bool = False) -> "PlanDocument":
        """Document with new text. joins: merge with the previous step if that was the same kind of edit."""
        if text == self.text:
            return self
        step = Step(text, what)
        if joins and self.past and self.present.what == what:
            return replace(self, present=step, future=())
        return replace(self, present=step, past=_recent((*self.past, self.present)), future=())

    def undone(self) -> "PlanDocument":
        """Document after undo; unchanged without a previous step."""
        if not self.past:
            return self
        return replace(self, present=self.past[-1], past=self.past[:-1], future=(*self.future, self.present))

    def redone(self) -> "PlanDocument":
        if not self.future:
            return self
        return replace(self, present=self.future[-1], past=(*self.past, self.present), future=self.future[:-1])

    def opened(self, text: str, path: Path | None) -> "PlanDocument":
        """Another plan in its place, with a history of its own."""
        return PlanDocument(Step(text, "open" if path else "new"), path=path, saved=text if path else None)

    def saved_as(self, path: Path) -> "PlanDocument":
        return replace(self, path=path, saved=self.text)


def _recent(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The last ones, as many as are kept."""
    kept, characters = 0, 0
    for step in reversed(steps[-MOST_STEPS:]):
        characters += len(step.text)
        if characters > MOST_CHARACTERS:
            break
        kept += 1
    return steps[len(steps) - kept :]
