"""A message of the history on its way to what is counted, by the gate and the model that read what is news.

It differs in what follows: nothing is tagged, and the model takes everything else first. What somebody forwards is left
out: whoever wrote it may have left, or deleted what was known of them, and each would have to be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import discord

from bot.monitoring.command_filter import is_command
from bot.monitoring.ingest import LONGEST_WAIT, Counts
from bot.monitoring.message_words import words_of_author
from bot.monitoring.notice import Notices
from bot.monitoring.reading_gate import Barred, ReadingGate, Ruling, Written
from bot.storage.open_storage import Storage
from bot.storage.pending_writes import Scored, kept_of
from model import (
    ClassifierClosed,
    DeadlinePassed,
    InferenceFailed,
    NothingToRead,
    Overloaded,
    Priority,
    Unreadable,
)
from model.any_classifier import AnyClassifier

_OPEN = {Barred.NO_NOTICE, Barred.TOLD_TOO_LATE}
"""What says nothing of a message that was asked for, but that its notice has come into doubt, or is gone."""


class NotNow(Exception):
    """The model is busy with what is news, or a notice is in doubt: the same message is read later."""


@dataclass(frozen=True, slots=True)
class Read:
    """What is kept of a message, and who is asked once more before it is counted. It holds nothing that was said.

    `written` is the message, and `former` are its author's hashes under former keys.
    """

    scored: Scored
    written: Written
    former: tuple[bytes, ...]


class HistoryReading:
    """Reads what the gate lets through. `counts` is what has become of messages, by server."""

    def __init__(
        self,
        classifier: AnyClassifier,
        storage: Storage,
        gate: ReadingGate,
        notices: Notices,
        counts: Mapping[int, Counts],
    ) -> None:
        self._classifier = classifier
        self._storage = storage
        self._gate = gate
        self._notices = notices
        self._counts = counts

    def wants(self, message: discord.Message) -> bool:
        """Whether anything more need be asked: not of what is barred whoever its author is, nor of a command."""
        barred = self._gate.history(Written.of(message, roles=())).barred
        if barred is not None and barred not in _OPEN:
            return False
        typed = words_of_author(message)
        return bool(typed) and not is_command(typed)

    async def read(self, message: discord.Message, roles: frozenset[int] | None) -> Read | None:
        """What is kept of it; None: nothing, for it may not be read or says nothing. Raises NotNow."""
        assert message.guild is not None, "the gate lets nothing else through"
        written = Written.of(message, roles=roles)
        if (await self._ruling(written)).barred is not None:
            return None
        try:
            verdict = await self._classifier.classify(
                words_of_author(message), Priority.BACKGROUND, origin=message.guild.id, within=LONGEST_WAIT
            )
        except Unreadable as answer:
            kept = kept_of(answer)
        except NothingToRead:
            return None
        except InferenceFailed:
            self._counts[message.guild.id].failed += 1  # as live: a text on which the model fails would stop the rest
            return None
        except (Overloaded, DeadlinePassed, ClassifierClosed) as error:
            raise NotNow(type(error).__name__) from None  # its traceback would lead to the text
        else:
            kept = kept_of(self._gate.wanted(message.guild.id, verdict, words_of_author(message)))
        ruling = await self._ruling(written)
        place = ruling.place
        if ruling.barred is not None or place is None:
            return None
        author, *former = self._storage.pseudonyms.authors(message.author.id)
        edited = round(message.edited_at.timestamp() * 1000) if message.edited_at is not None else 0
        where = (message.id, place.guild_id, place.channel_id, place.thread_id, author)
        return Read(Scored(*where, edited, *kept), written, tuple(former))

    def may_be_kept(self, one: Read) -> bool:
        """Asked at last, before it is counted: rules and opt-outs may have changed since it was read.

        Raises NotNow where its notice has come into doubt since, or is gone.
        """
        return _settled(self._gate.history(one.written)).barred is None

    async def _ruling(self, written: Written) -> Ruling:
        """What the gate says once it is known whether the notice stands. Raises NotNow where it does not."""
        ruling = self._gate.history(written)
        if ruling.barred in _OPEN and ruling.place is not None:
            await self._notices.history_told_since(ruling.place)
            ruling = self._gate.history(written)
        return _settled(ruling)


def _settled(ruling: Ruling) -> Ruling:
    if ruling.barred in _OPEN:
        raise NotNow("there's no notice there")
    return ruling
