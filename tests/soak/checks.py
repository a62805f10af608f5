"""What must hold in the end, whatever went wrong: each check returns what broke, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from bot.domain.snowflake import written_at
from tests.discord.canary import traces, traces_in_files
from tests.soak.bot import Bot
from tests.soak.people import Asked, Town, is_complete
from tests.soak.plain_model import Hour, Meaning, PlainModel
from tests.soak.store import Store

ACKNOWLEDGE_SECONDS = 3.0
ANSWER_SECONDS = 60.0
"""After so long an answer that was only begun never comes; a busy machine is slow, not wrong."""

MOST_GROWTH = 0.03


async def held_ids(store: Store, channels: list[int]) -> set[int]:
    """The messages of these channels that are held."""
    some = ", ".join(map(str, channels))
    return {row[0] for row in await store.rows(f"SELECT message_id FROM message_scores WHERE channel_id IN ({some})")}


async def not_as_said(store: Store, plain: PlainModel, channels: list[int], bot: Bot) -> list[str]:
    """Messages that are held and must not be, or the other way round, and neither a gap nor a kill explains it."""
    held, must, must_not = await held_ids(store, channels), plain.must(), plain.must_not()
    gaps = await store.rows("SELECT started, ended FROM gaps")
    broken = [f"message {number} is held and must not be" for number in sorted(held & must_not)]
    broken += [f"message {number} is held and was never written" for number in sorted(held - plain.said.keys())]
    for number in sorted(must.keys() - held):
        when = written_at(number)
        known = any(begun <= when and (end is None or when <= end) for begun, end in gaps)
        if not known and not any(begun <= when <= end for begun, end in bot.lost):
            whose = f"person {must[number].person} in channel {must[number].channel_id}"
            broken.append(f"message {number} of {when:.3f} by {whose} is not held, and no gap says so")
    return broken


async def sums_differ(
    store: Store, town: Town, meanings: Mapping[int, Meaning], channels: list[int], bot: Bot
) -> list[str]:
    """Messages that count as another text than theirs, and hours whose sums are not those of their messages."""
    some, plain, first_hour = ", ".join(map(str, channels)), town.plain, town.first_hour
    held, broken = {}, []
    scores = "SELECT message_id, sentiment, score FROM message_scores"
    for number, sentiment, score in await store.rows(f"{scores} WHERE channel_id IN ({some})"):
        if number not in plain.said:
            continue
        possible = [meanings[text] for text in plain.said[number].texts(bot.lost)]
        held[number] = Meaning(sentiment, score)
        if not any(one.sentiment == sentiment and abs(one.score - score) <= 1 for one in possible):
            edits = [round(when, 3) for when, _ in plain.said[number].edits]
            which = f"message {number} of {written_at(number):.3f}, edited at {edits},"
            taken_along = [(round(begun, 3), round(end, 3)) for begun, end in bot.lost]
            broken.append(f"{which} counts as {held[number]} and not {possible}; kills took along {taken_along}")
    rows = await store.rows(
        "SELECT channel_id, hour, negative, neutral, positive, unread, score_sum, authors, writers FROM hours "
        f"WHERE channel_id IN ({some}) AND hour >= {first_hour} AND writers > 0"
    )
    found = {(row[0], row[1]): Hour(tuple(row[2:6]), int(row[6]), row[7], row[8]) for row in rows}
    expected = plain.hours(held)
    return broken + [
        f"channel and hour {key}: {found.get(key)} and not {expected.get(key)}"
        for key in sorted(found.keys() | expected.keys())
        if not _alike(found.get(key), expected.get(key))
    ]


def _alike(found: Hour | None, expected: Hour | None) -> bool:
    if found is None or expected is None:
        return False
    same = (found.sentiments, found.authors, found.writers) == (
        expected.sentiments,
        expected.authors,
        expected.writers,
    )
    return same and abs(found.score - expected.score) <= sum(expected.sentiments)


async def read_without_a_notice(store: Store, town: Town, disturbed: list[tuple[float, float]]) -> list[str]:
    """Messages of the porch that were written after its notice was deleted and before the next one stood."""
    held = await held_ids(store, [town.porch.id])
    backend = town.local.backend
    notices = sorted(town.notices_ever)
    broken = []
    for number in held:
        if number not in backend.messages[town.porch.id]:
            continue
        before = [notice for notice in notices if notice < number]
        gone = [one for one in town.notice_gone if before and before[-1] < one < number]
        if not before or (gone and not any(begun <= written_at(number) <= end + 1 for begun, end in disturbed)):
            broken.append(f"message {number} on the porch was read without a notice")
    return broken


def hung(asked: list[Asked], bot: Bot, disturbed: list[tuple[float, float]], now: float) -> Iterator[tuple[str, str]]:
    """Interactions that were not answered as Discord wants it: ("hung" or "late", a sentence)."""
    for one in asked:
        if bot.was_away(one.begun - 0.5, one.begun + ACKNOWLEDGE_SECONDS):
            continue
        troubled = any(begun <= one.begun + ACKNOWLEDGE_SECONDS and end >= one.begun for begun, end in disturbed)
        if not one.result.acknowledged:
            if not troubled:
                yield "hung", f"{one.name} of {one.begun:.3f} was never answered"
        elif one.acknowledged is not None and one.acknowledged - one.begun > ACKNOWLEDGE_SECONDS + 0.2:
            yield "late", f"{one.name} of {one.begun:.3f} was answered after {one.acknowledged - one.begun:.1f} s"
        thinking = one.result.acknowledged and not is_complete(one.result)
        if thinking and not troubled and not bot.was_away(one.begun, min(now, one.begun + ANSWER_SECONDS)):
            yield "hung", f"{one.name} of {one.begun:.3f} says that it is thinking for ever"


def answered_twice(town: Town) -> list[str]:
    """Interactions whose answer was followed by the same once more."""
    broken = []
    for one in town.asked:
        followed = [message.content or repr(message.embeds) for message in one.result.followups]
        broken += [
            f"{one.name} of {one.begun:.3f} was told twice" for _, times in Counter(followed).items() if times > 1
        ]
    return broken


def posted_twice(town: Town) -> list[str]:
    """Notices, alerts and digests of which there are two."""
    broken = [
        f"{len(notices)} notices stand in channel {channel.id}"
        for channel in (*town.channels, town.weather, town.porch)
        if len(notices := town.notices(channel)) > 1
    ]
    posts = town.local.backend.messages.get(town.mods.id, {}).values()
    footers = Counter(embed["footer"]["text"] for post in posts for embed in post.embeds if embed.get("footer"))
    return broken + [f"{times} posts {footer}" for footer, times in footers.items() if times > 1]


def words_in(folders: list[Path]) -> list[str]:
    """Where a word of somebody's was written to."""
    return [found for folder in folders for found in traces_in_files(folder)]


def words_in_lines(lines: list[str]) -> list[str]:
    """Lines of the log that hold one."""
    return [line for line in lines if next(traces(line.encode()), None)]


def growth(memory: list[tuple[int, int]]) -> float:
    """How much the memory of the last fifth is more than that of the first, as a share."""
    if len(memory) < 10:
        return 0.0
    fifth = len(memory) // 5
    first, last = (median(size for size, _ in part) for part in (memory[:fifth], memory[-fifth:]))
    return last / first - 1


def tenths(sizes: list[int]) -> str:
    """The median of each tenth, in megabytes; nothing where there is too little."""
    tenth = len(sizes) // 10
    medians = [median(sizes[part * tenth : (part + 1) * tenth]) for part in range(10)] if tenth else []
    return " ".join(f"{size / 2**20:.0f}" for size in medians)
