"""What a digest says: what was notable, or that nothing was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord

from bot.analytics.baseline import Baseline
from bot.analytics.buckets import merged, together
from bot.digests.periods import Period
from bot.domain.records import Gap, HourMood
from bot.domain.snowflake import SECONDS
from bot.presentation import palette
from bot.presentation.text import SLIGHT, STRONG, UNREAD_FROM, signed, span, unread_in_words

LISTED = 10
"""Channels that are named; of a server with more, those with most messages."""

LEFT_OUT = (
    "Watched channels that not everybody who reads this channel can read are left out; `/monitor doctor` names them to "
    "admins who see them."
)

_NOTABLE_GAP = 30 * 60
"""Seconds the bot must have been away for a digest to mention it."""


@dataclass(frozen=True, slots=True)
class ChannelPart:
    """A channel's hours that may be told, what is usual there, and how many alerts there were."""

    channel_id: int
    hours: Sequence[HourMood]
    baseline: Baseline | None
    alerts: int


def footer(key: str) -> str:
    """By which a digest's post is recognised."""
    return f"Digest {key}"


def digest_embed(
    period: Period,
    parts: Sequence[ChannelPart],
    gaps: Sequence[Gap],
    fewest: int,
    unread: int | None = None,
    *,
    left_out: bool = False,
) -> discord.Embed:
    """The digest of a period. With fewer than `fewest` messages in all no channel is called different from usual.

    `unread` is the share of all messages that could not be read, in percent, where it may be told. `left_out` says that
    there are watched channels of which nothing is told here.
    """
    total = {part.channel_id: whole.messages for part in parts if (whole := together(part.hours)) is not None}
    messages = sum(total.values())
    lines = []
    ordered = sorted(parts, key=lambda part: -total.get(part.channel_id, 0))
    for part in ordered:
        said = _difference(part) if messages >= fewest else ""
        if part.alerts:
            said += f"{' ' if said else ''}{'An alert' if part.alerts == 1 else f'{part.alerts} alerts'}."
        if said:
            lines.append(f"<#{part.channel_id}>: {said}")
    notable = lines[:LISTED]
    away = sum(end - start for start, end in merged(gaps, period.first_hour * SECONDS, period.end * SECONDS))
    if not notable:
        notable = ["Nothing notable."]
    foreign = unread is not None and unread >= UNREAD_FROM
    notable.append(_summary(total, messages, foreign=foreign, left_out=left_out))
    if unread is not None and foreign:
        notable.append(unread_in_words(unread, "in this server"))
    if away >= _NOTABLE_GAP:
        notable.append(f"{span(away)} missing, because I could see nothing.")
    if left_out:
        notable.append(LEFT_OUT)
    embed = discord.Embed(title=period.title, description="\n".join(notable)[:4000], colour=palette.CALM)
    embed.set_footer(text=footer(period.key))
    return embed


def _difference(part: ChannelPart) -> str:
    """How a channel was beside what is usual, in a sentence; empty when about as usual, or when that is not known."""
    whole = together(part.hours)
    if whole is None or part.baseline is None:
        return ""
    usual = part.baseline.expected(part.hours)
    difference = whole.mean - usual
    if abs(difference) < max(SLIGHT, 2 * whole.standard_error):
        return ""
    much = "much more" if abs(difference) >= STRONG else "more"
    side = "positive" if difference > 0 else "negative"
    return f"{much} {side} than usual ({signed(whole.mean)}, usually {signed(usual)}), {whole.messages:,} messages."


def _summary(total: Mapping[int, int], messages: int, *, foreign: bool, left_out: bool) -> str:
    if not messages:
        what, others = " something I can read" if foreign else "", " other" if left_out else ""
        return f"In no{others} watched channel did five people write{what} in the same hour."
    channels = "1 channel" if len(total) == 1 else f"{len(total)} channels"
    return f"In all {messages:,} {'message' if messages == 1 else 'messages'} in {channels}."
