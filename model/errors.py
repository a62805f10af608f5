"""What can go wrong between a text and its verdict; each message is a sentence for a person."""

from collections.abc import Sequence
from typing import Self

LONGEST_SENTENCE = 1000
"""Characters of a message: what a file or a library says of itself may have no end."""


def printable(text: str, most: int = LONGEST_SENTENCE) -> str:
    """One line of at most `most` characters in which nothing moves a terminal, a log or the direction of writing.

    Names and messages that come out of a model's files are somebody else's; a line break in one would be a line of the
    log, and half of a surrogate pair can be written nowhere.
    """
    shown = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text[: most + 1]
    )
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


class ModelError(Exception):
    """The base of every error this package raises on purpose."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(printable(sentence))

    def again(self) -> Self:
        """The same error for one caller alone, without a traceback, cause or context.

        These lead to the frames that it came through and to the texts in them. An instance that several callers hold
        gathers the frames of all of them.
        """
        own = type(self).__new__(type(self), *self.args)  # not `__init__`, which takes something else than the sentence
        own.__dict__.update(self.__dict__)
        own.__dict__.pop("__notes__", None)
        return own


class NothingToRead(ModelError):
    """The text is empty once mentions, links and markup are gone."""

    def __init__(self) -> None:
        super().__init__("There's no text in there I can read (links, mentions and pictures don't count).")


class Unreadable(ModelError):
    """The text is in a language or a script that the model has not learned; it has no verdict.

    `language` is the likely language's English name, such as "Spanish"; "" where it is not known. `reads` are the names
    of those that are read, where that is more than English alone.
    """

    def __init__(self, language: str = "", *, reads: Sequence[str] = ()) -> None:
        likely = f"; it looks like {language}" if language else ""
        more = ", ".join(reads[:-1]) + f" and {reads[-1]}" if len(reads) > 1 else "".join(reads)
        super().__init__(f"I can't read this yet{likely}. I only read {more or 'English'}.")
        self.language, self.reads = language, tuple(reads)


class TextTooLong(ModelError):
    """The text is longer than the classifier accepts; it is refused whole, never cut."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"That text has {length:,} characters, but I can only read {limit:,}.")
        self.length, self.limit = length, limit


class Overloaded(ModelError):
    """The queue is full. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        seconds = max(1, round(retry_after))
        super().__init__(f"I'm busy right now. Try again in {seconds} second{'' if seconds == 1 else 's'}.")
        self.retry_after = retry_after


class DeadlinePassed(ModelError):
    """The text waited beyond the time its caller gave it, and was not computed."""

    def __init__(self) -> None:
        super().__init__("I'm too busy and didn't get to it. Try again in a moment.")


class InferenceFailed(ModelError):
    """The backend raised an exception, or its answer for this text was not finite."""


class ClassifierClosed(ModelError):
    """The classifier is closed, or was closed before it came to this text."""

    def __init__(self) -> None:
        super().__init__("I'm restarting. Try again in a minute.")


class CheckpointError(ModelError):
    """A checkpoint cannot be used; the message says which and what would help."""


class CheckpointNotFound(CheckpointError):
    """There is no checkpoint at that folder or hub id."""


class HubUnreachable(CheckpointError):
    """The hub that holds the checkpoint does not answer; another time it may. `reason` has no full stop."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"I couldn't get {source}: {reason}.")
        self.reason = reason


class MissingLabels(CheckpointError):
    """The checkpoint does not say which output is negative, neutral or positive."""


class HashMismatch(CheckpointError):
    """A file of the artefact is not the one its manifest was written for."""


class UnsafeCheckpoint(CheckpointError):
    """The checkpoint needs pickle or code of its own; neither is ever loaded."""


class BackendUnavailable(CheckpointError):
    """The library or device this checkpoint needs is not here."""


class ReloadRefused(ModelError):
    """A candidate was not taken; the message says why, and the model there was still answers."""
