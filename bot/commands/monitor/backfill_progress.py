"""The answer to `/monitor backfill` goes on to say how far the history is read, while Discord lets it be edited.

Nothing of it is kept: after a restart the reading goes on, and `/monitor status` says how far it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import discord

from bot.commands.monitor.backfill import how_far
from bot.commands.monitor.rule_changes import RuleChanges
from bot.domain.backfill import Backfill, BackfillState
from bot.i18n import gettext, speaking, spoken
from bot.link.failures import REQUEST_FAILURES, is_refusal
from bot.monitoring.monitoring import Monitoring
from bot.storage.errors import DatabaseUnavailable

EDIT_SECONDS = 10.0
"""Between two edits of an answer."""

LASTING_SECONDS = 780.0
"""Discord takes edits of an answer for 15 minutes after it was asked for; the last of ours says where to look then."""

AT_ONCE, MOST = 20, 100
"""Answers that are edited in one run, so two requests a second at most; and that are edited at all."""

_UNAUTHORIZED = 401
"""What Discord says when the time of an answer is over."""


@dataclass(slots=True, eq=False)
class _Answer:
    """One that is edited, until a steady time: whose it is, how it begins, what it says and in which language."""

    interaction: discord.Interaction[Any]
    admin: RuleChanges
    head: str
    said: str
    language: str
    until: float


class BackfillProgress:
    """The answers that say how far a history is read, the latest of each admin in each server. `work` is a job."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring
        self._answers: dict[tuple[int, int], _Answer] = {}

    def follow(self, interaction: discord.Interaction[Any], admin: RuleChanges, said: str, *, keep: bool) -> None:
        """From now on the answer is edited, which says `said`; with `keep` that stays above while it is read."""
        clock = self._monitoring.clock
        spent = max(0.0, clock.now() - interaction.created_at.timestamp())
        until = clock.steady() + LASTING_SECONDS - spent
        key = (admin.guild.id, admin.member.id)
        self._answers.pop(key, None)
        self._answers[key] = _Answer(interaction, admin, said if keep else "", said, spoken(), until)
        while len(self._answers) > MOST:
            self._answers.pop(next(iter(self._answers)))

    async def work(self, _now: float) -> None:
        """A job: edits the answers that have something new to say, those first that have waited longest."""
        for key, answer in list(self._answers.items())[:AT_ONCE]:
            try:
                goes_on = await self._edit(answer)
            except DatabaseUnavailable:
                return  # whoever minds the database says so, and the answer stays as it is until the next run
            if self._answers.get(key) is answer:  # another may have taken its place meanwhile
                del self._answers[key]
                if goes_on:
                    self._answers[key] = answer

    async def _edit(self, answer: _Answer) -> bool:
        """Says how far it is; whether there will be more to say. Raises DatabaseUnavailable."""
        guild = answer.admin.guild
        known = await self._monitoring.backfills.of(guild.id)
        if known is None or self._monitoring.services.connection.get_guild(guild.id) is None:
            return False
        ends = self._monitoring.clock.steady() >= answer.until
        with speaking(answer.language):
            text = await self._text(answer, known, ends=ends)
        goes_on = not (ends or known.state.is_over)
        if text == answer.said:
            return goes_on
        try:
            async with asyncio.timeout(EDIT_SECONDS):
                await answer.interaction.edit_original_response(content=text)
        except REQUEST_FAILURES as error:
            gone = is_refusal(error) or getattr(error, "status", 0) == _UNAUTHORIZED
            return not (gone or ends)  # what failed in passing is said by the next edit
        answer.said = text
        return goes_on

    async def _text(self, answer: _Answer, known: Backfill, *, ends: bool) -> str:
        text = await how_far(answer.admin, known)
        if known.state.is_over:
            return text
        head = answer.head if known.state is BackfillState.RUNNING else ""
        last = gettext("I can't update this any longer: `/monitor status` shows how far I am.") if ends else ""
        return "\n".join(filter(None, (head, text, last)))
