"""How sure the model may be of a text of its kind: by one temperature for all, short chat is as sure as reviews."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

USUAL_TOKENS = 16.0
MOST_MARGIN = 8.0
_MOST = 2.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a text's register from its tokens alone.

    How many it has, special ones not counted, and which share of them, in [0, 1], go on with a word that the vocabulary
    does not have as a whole, or stand for what it does not know at all.
    """

    tokens: int = 0
    pieces: float = 0.0


@dataclass(frozen=True, slots=True)
class Register:
    """Weights by which a text's temperature differs from the model's own, on a logarithmic scale.

    `tokens` is for each factor e in length against `USUAL_TOKENS`, `pieces` for the whole share of pieces, `margin` for
    each unit between the two largest logits, up to `MOST_MARGIN`. The factor stays within [exp(-2), exp(2)].
    """

    tokens: float = 0.0
    pieces: float = 0.0
    margin: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.tokens or self.pieces or self.margin)  # `astuple` copies, and this is asked of each text

    def factor(self, traits: Traits, margin: float) -> float:
        """What the temperature is multiplied by. It is above 0, so it never changes which label is the first."""
        exponent = (
            self.tokens * log(max(1, traits.tokens) / USUAL_TOKENS)
            + self.pieces * traits.pieces
            + self.margin * min(margin, MOST_MARGIN)
        )
        return exp(max(-_MOST, min(_MOST, exponent)))
