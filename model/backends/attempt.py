"""What trying a backend has shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """A backend that was tried beside others, on this processor.

    `per_second` is in texts of chat, on one core. `same` is the share of plain texts on which its label is ONNX
    Runtime's, `error` the mean absolute difference of their logits, and `budget` the padded tokens of a batch that suit
    it. `refused` says why it may not answer, without a full stop; "" when it may.
    """

    backend: str
    per_second: float = 0.0
    same: float = 0.0
    error: float = 0.0
    budget: int = 0
    refused: str = ""

    def __str__(self) -> str:
        if self.refused:
            return f"{self.backend}: not taken, {self.refused}"
        return (
            f"{self.backend}: {self.per_second:,.0f} texts/s on a core in batches of {self.budget} tokens, "
            f"the same label on {self.same:.1%} of the plain texts, logits {self.error:.3f} apart"
        )
