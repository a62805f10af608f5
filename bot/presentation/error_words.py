"""What a person reads when something went wrong: one sentence, never a traceback, never the text."""

from __future__ import annotations

from model import InferenceFailed, ModelError

SORRY = "Something went wrong on my side. Please try again in a moment."
NOT_HERE = "That works only in servers that I am a member of: ask an admin to add me to this one."
GONE = "That is of no use any more, so nothing was done. Please use the command again."


LONGEST_WAIT = 120.0
"""Seconds after which an answer is given up; the interaction itself lives 15 minutes."""


SLOW = "That took too long, so I stopped. Please try again in a moment."


def explain_failure(error: ModelError) -> str:
    """One friendly sentence for an error of the model."""
    return SORRY if isinstance(error, InferenceFailed) else str(error)
