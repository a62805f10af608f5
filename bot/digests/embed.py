"""What a digest says: what was notable, or that nothing was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord

from bot.analytics.baseline import Baseline
from bot.analytics.buckets import merged, together
from bot.digests.periods import Period
from bot.domain.records import FEWEST_AUTHORS, Gap, HourMood
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext
from bot.presentation import palette
from bot.presentation.text import SLIGHT, STRONG, UNREAD_FROM, signed, span, unread_in_words

LISTED = 10
"""Channels that are named; of a server with more, those with most messages."""

LEFT_OUT = N_(
    "I leave out watched channels that not everyone here can read. `/monitor doctor` lists them for admins who can "
    "see them."
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
    days: Sequence[HourMood] = ()
    """Of days in whose single hours too few people wrote, what is told of these hours together."""


def footer(key: str) -> str:
    """By which a digest's post is recognised, in one of the bot's languages."""
    return gettext("Digest {key}", key=key)


def digest_embed(
    period: Period,
    parts: Sequence[ChannelPart],
    gaps: Sequence[Gap],
    fewest: int,
    unread: int | None = None,
    *,
    english_only: bool = True,
    left_out: bool = False,
    learning: str = "",
) -> discord.Embed:
    """The digest of a period, in the language that is spoken.

    With fewer than `fewest` messages in all no channel is called different from usual.
    `unread` is the share of all messages that could not be read, in percent, where it may be told, and
    `english_only` that no other language is read there. `left_out` says that there are watched channels of which
    nothing is told here, and `learning` when the first alert can come.
    """
    sums = {part.channel_id: together([*part.hours, *part.days]) for part in parts}
    total = {channel: whole.messages for channel, whole in sums.items() if whole is not None}
    messages = sum(total.values())
    ordered = sorted(parts, key=lambda part: -total.get(part.channel_id, 0))
    lines = (_alerts(part, _difference(part) if messages >= fewest else "") for part in ordered)
    notable = [line for line in lines if line][:LISTED]
    away = sum(end - start for start, end in merged(gaps, period.first_hour * SECONDS, period.end * SECONDS))
    notable += [line for part in ordered if (line := _quiet(part))][: LISTED - len(notable)]
    if not notable:
        notable = [gettext("Nothing notable.")]
    foreign = unread is not None and unread >= UNREAD_FROM
    notable.append(_summary(total, messages, foreign=foreign, left_out=left_out))
    if unread is not None and foreign:
        notable.append(unread_in_words(unread, server=True, english_only=english_only))
    if away >= _NOTABLE_GAP:
        notable.append(gettext("I couldn't see anything for {length}.", length=span(away)))
    if left_out:
        notable.append(gettext(LEFT_OUT))
    if learning:
        notable.append(learning)
    embed = discord.Embed(title=period.title, description="\n".join(notable)[:4000], colour=palette.CALM)
    embed.set_footer(text=footer(period.key))
    return embed


def _difference(part: ChannelPart) -> str:
    """How a channel was beside what is usual, in a line; empty when about as usual, or when that is not known."""
    whole = together(part.hours)
    if whole is None or part.baseline is None:
        return ""
    usual = part.baseline.expected(part.hours)
    difference = whole.mean - usual
    if abs(difference) < max(SLIGHT, 2 * whole.standard_error):
        return ""
    better, much = difference > 0, abs(difference) >= STRONG
    values = {"channel": f"<#{part.channel_id}>", "mean": signed(whole.mean), "usual": signed(usual)}
    if better and much:
        return ngettext(
            "{channel}: much more positive than usual ({mean}, usually {usual}), {count:,} message.",
            "{channel}: much more positive than usual ({mean}, usually {usual}), {count:,} messages.",
            whole.messages,
            **values,
        )
    if better:
        return ngettext(
            "{channel}: more positive than usual ({mean}, usually {usual}), {count:,} message.",
            "{channel}: more positive than usual ({mean}, usually {usual}), {count:,} messages.",
            whole.messages,
            **values,
        )
    if much:
        return ngettext(
            "{channel}: much more negative than usual ({mean}, usually {usual}), {count:,} message.",
            "{channel}: much more negative than usual ({mean}, usually {usual}), {count:,} messages.",
            whole.messages,
            **values,
        )
    return ngettext(
        "{channel}: more negative than usual ({mean}, usually {usual}), {count:,} message.",
        "{channel}: more negative than usual ({mean}, usually {usual}), {count:,} messages.",
        whole.messages,
        **values,
    )


def _alerts(part: ChannelPart, difference: str) -> str:
    """What there is to say of a channel, with its alerts; empty where there is nothing."""
    if not part.alerts:
        return difference
    if difference:
        alerts = ngettext("An alert.", "{count:,} alerts.", part.alerts)
        return f"{difference} {alerts}"
    return ngettext(
        "{channel}: An alert.", "{channel}: {count:,} alerts.", part.alerts, channel=f"<#{part.channel_id}>"
    )


def _quiet(part: ChannelPart) -> str:
    """How a channel was that is too quiet for its hours to be told, in a line; empty where there is such an hour."""
    whole = together(part.days)
    if part.hours or whole is None:
        return ""
    days = ngettext(
        "from the {count:,} day on which {people}+ people wrote",
        "from the {count:,} days on which {people}+ people wrote",
        len(part.days),
        people=FEWEST_AUTHORS,
    )
    return ngettext(
        "{channel}: {mean} on average, {count:,} message, {days}.",
        "{channel}: {mean} on average, {count:,} messages, {days}.",
        whole.messages,
        channel=f"<#{part.channel_id}>",
        mean=signed(whole.mean),
        days=days,
    )


def _summary(total: Mapping[int, int], messages: int, *, foreign: bool, left_out: bool) -> str:
    if not messages:
        return gettext(_NOTHING[foreign, left_out])
    channels = ngettext("in {count:,} channel", "in {count:,} channels", len(total))
    return ngettext(
        "In all {count:,} message {channels}.", "In all {count:,} messages {channels}.", messages, channels=channels
    )


_NOTHING = {
    (False, False): N_("In no watched channel did five people write in the same hour."),
    (False, True): N_("In no other watched channel did five people write in the same hour."),
    (True, False): N_("In no watched channel did five people write something I can read in the same hour."),
    (True, True): N_("In no other watched channel did five people write something I can read in the same hour."),
}
"""By whether something could not be read, and whether there are channels of which nothing is told here."""
