"""How a run tells what it does."""

from __future__ import annotations

from typing import Literal, Protocol

Step = Literal["Reading", "Abstracting", "One by one", "Writing"]


class Progress(Protocol):
    """Is called now and then while a run goes on, from another thread too, and should return at once."""

    def __call__(self, step: Step, done: int, total: int) -> None:
        """Take note.

        Args:
            step: what is being done.
            done: to how many patients.
            total: of how many; 0 where that is not known yet.
        """


def silent(step: Step, done: int, total: int) -> None:
    """Tell nobody."""
