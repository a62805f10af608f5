"""Hours that were read from the history, beside the times in which nothing was seen: what was filled in is no gap."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bot.domain.records import Gap
from bot.domain.snowflake import SECONDS

Span = tuple[int, int]
"""From the first up to, not including, the second."""


def any_of(filled: Mapping[int, Sequence[Span]]) -> tuple[Span, ...]:
    """What was filled in of any channel, in seconds since the Unix epoch, in order and apart from each other."""
    found: list[Span] = []
    for start, end in sorted(span for spans in filled.values() for span in spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple((start * SECONDS, end * SECONDS) for start, end in found)


def without(
    gaps: Sequence[Gap], filled: Mapping[int, Sequence[Span]], channels: Collection[int] | None
) -> tuple[Gap, ...]:
    """The gaps, less what was filled in: of a gap of one channel there, and of a wider one in all of `channels`."""
    if not filled:
        return tuple(gaps)
    everywhere = _in_all([filled.get(channel, ()) for channel in channels]) if channels else ()
    parts: list[Gap] = []
    for gap in gaps:
        spans = everywhere if gap.channel_id is None else filled.get(gap.channel_id, ())
        parts += _less(gap, spans)
    return tuple(parts)


def _in_all(each: Sequence[Sequence[Span]]) -> Sequence[Span]:
    first, *others = each
    common = list(first)
    for spans in others:
        pairs = [(max(a, c), min(b, d)) for a, b in common for c, d in spans]
        common = [(start, end) for start, end in pairs if start < end]
    return common


def _less(gap: Gap, spans: Sequence[Span]) -> list[Gap]:
    left = [(gap.started, gap.ended)]
    for start, end in ((a * SECONDS, b * SECONDS) for a, b in spans):
        cut = [((a, min(b, start)), (max(a, end), b)) for a, b in left]
        left = [part for pair in cut for part in pair if part[0] < part[1]]
    return [replace(gap, started=a, ended=b) for a, b in left]
