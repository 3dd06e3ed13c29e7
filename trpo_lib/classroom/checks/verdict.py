"""What a check says: one line for a reader, four fields for a program."""

from dataclasses import dataclass

CORRECT, WRONG, NOT_ATTEMPTED = "correct", "wrong", "not attempted"
LINE = 120


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check; `str(verdict)` is what the student reads after the exercise's name.

    Attributes:
        status: `CORRECT`, `WRONG` or `NOT_ATTEMPTED`.
        message: what went wrong; empty for the other two.
        passed: on how many inputs the answer was right.
        total: how many inputs there were.
    """

    status: str
    message: str = ""
    passed: int = 0
    total: int = 0

    @property
    def correct(self) -> bool:
        """Whether the answer was right on every input, and left its arguments alone."""
        return self.status == CORRECT

    def __str__(self) -> str:
        return {CORRECT: "✓ correct", NOT_ATTEMPTED: "not attempted yet"}.get(self.status, f"✗ {self.message}")


def one_line(text: str, length: int = LINE) -> str:
    """The text without line breaks and control characters, cut to a length."""
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= length else text[: length - 1] + "…"
