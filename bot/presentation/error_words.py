"""What a person reads when something went wrong: one sentence, never a traceback, never the text."""

from __future__ import annotations

from model import InferenceFailed, ModelError

SORRY = "Something went wrong on my side. Please try again in a moment."


LONGEST_WAIT = 120.0
"""Seconds after which an answer is given up; the interaction itself lives 15 minutes."""


SLOW = "That took too long, so I stopped. Please try again in a moment."


def explain_failure(error: ModelError) -> str:
    """One friendly sentence for an error of the model."""
    return SORRY if isinstance(error, InferenceFailed) else str(error)
