"""Nobody is singled out by subtraction: what holds of everything that is told, searched for in random histories."""

import random
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from bot.domain.disclosure import BASE, MOST_VERSIONS, told_before
from bot.domain.records import FEWEST_AUTHORS, UNREAD, HourMood
from bot.domain.snowflake import hour_of
from bot.storage.mood_repository import MoodRepository
from bot.storage.publication import Publication
from bot.storage.retention import oldest_kept, purge
from bot.storage.schema import HourAuthorRow, HourRow, LateChangeRow, MessageScoreRow, ToldDayRow, ToldHourRow
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import CALM, GENERAL, HOME, HOUR, RANDOM, THREAD, author, message_id, rows_of, say

HISTORIES, STEPS = 9, 160
PEOPLE = range(1, 15)
KEPT_DAYS = 2


class History:
    """What happens in two channels, and everything that was told of it."""

    def __init__(self, database, rng, seen):
        self.database, self.rng, self.seen = database, rng, seen
        self.now = self.latest = HOUR * 3600.0 + 600
        self.buffer = WriteBuffer(database, retention_days=KEPT_DAYS, clock=lambda: self.now)
        self.publication = Publication(database, CALM)
        self.moods = MoodRepository(database)
        self.ids, self.number, self.forgotten = [], 0, set()
        self.hours, self.days = {}, {}
        self.once_told = set()
        self.changed = defaultdict(set)

    @property
    def hour(self):
        return int(self.now // 3600)

    def write(self, who, hours_ago=0, **more):
        self.number += 1
        hour, channel = self.hour - hours_ago, self.rng.choice((GENERAL, GENERAL, RANDOM))
        thread = THREAD if channel == GENERAL and self.rng.random() < 0.1 else None
        score = self.rng.choice((-1.0, -0.5, 0.0, 0.5, 1.0, 1.0, None))
        place = {"hour": hour, "channel": channel, "thread_id": thread}
        if say(self.buffer, self.number, who, score, **place, **more):
            self.ids.append((self.number, who, place))

    def some(self, count=1):
        """Messages of different people in one hour that is over, or of anybody."""
        if not self.ids:
            return []
        hour = self.rng.choice(self.ids[-60:])[2]["hour"]
        by_person = {one[1]: one for one in self.ids if one[2]["hour"] == hour}
        return self.rng.sample(sorted(by_person.values(), key=lambda one: one[0]), min(count, len(by_person)))

    async def step(self):
        """One thing happens; returns whether anything was written."""
        kind = self.rng.choices(
            ("write", "crowd", "edit", "delete", "strange", "forget", "late", "time", "tick", "hold", "purge", "gone"),
            (3, 10, 14, 4, 2, 0.3, 3, 9, 16, 1, 1, 0.1),
        )[0]
        if kind == "write":
            self.write(self.rng.choice(PEOPLE))
        elif kind == "crowd":
            for who in self.rng.sample(PEOPLE, self.rng.randint(3, 14)):
                self.write(who)
        elif kind in ("edit", "delete"):
            for number, who, place in self.some(self.rng.choice((1, 1, 4, 5, 9))):
                if kind == "edit":
                    edited = round(self.now * 1000)
                    say(self.buffer, number, who, self.rng.choice((-1.0, 1.0, None)), **place, edited=edited)
                else:
                    self.buffer.deleted([message_id(number, place["hour"])])
        elif kind == "strange":
            for who in self.rng.sample(PEOPLE, 4):  # of old messages that were never read
                self.write(who, self.rng.randint(1, 20), edited=round(self.now * 1000))
        elif kind == "forget":
            who = self.rng.choice(PEOPLE)
            self.forgotten.add(who)
            await self.buffer.forget([author(who)], message_id(10**6, self.hour))
        elif kind == "late":
            self.write(self.rng.choice(PEOPLE), self.rng.randint(1, 4))
        elif kind == "time":
            self.now += 60 * self.rng.choice((1, 5, 30, 60, 60, 120, 600, -45))
            self.latest = max(self.latest, self.now)
        elif kind == "tick":
            await self.buffer.flush()
            await self.publication.publish(self.now)
        elif kind == "hold":
            self.publication.hold(1) if self.rng.random() < 0.5 else self.publication.release(1)
        elif kind == "purge":
            await self.buffer.flush()
            await purge(self.database, KEPT_DAYS, self.now, CALM)
            await self.nothing_exact_is_left()
        else:
            self.buffer.channel_gone(RANDOM)
            await self.buffer.flush()
            self.hours = {key: row for key, row in self.hours.items() if key[0] != RANDOM}
            self.days = {key: row for key, row in self.days.items() if key[0] != RANDOM}
        return kind in ("forget", "tick", "purge", "gone")

    async def nothing_exact_is_left(self):
        oldest = oldest_kept(KEPT_DAYS, self.now)
        for table in (HourRow, HourAuthorRow, LateChangeRow, MessageScoreRow):
            assert all(row["hour"] >= oldest for row in await rows_of(self.database, table) if "hour" in row)

    async def check(self, before):
        """`before` and now are the rows of messages around a step."""
        after = {row["message_id"]: row for row in await rows_of(self.database, MessageScoreRow)}
        gone = {number for number in before.keys() - after.keys() if hour_of(number) < oldest_kept(KEPT_DAYS, self.now)}
        for number in (before.keys() | after.keys()) - gone:
            old, new = before.get(number), after.get(number)
            if read_of(old) != read_of(new):
                row = new or old
                self.changed[row["channel_id"], row["hour"]].add(row["author"])
        hours = {(row["channel_id"], row["hour"]): row for row in await rows_of(self.database, ToldHourRow)}
        for key, row in hours.items():
            self.check_hour(key, self.hours.get(key), row)
        assert self.hours.keys() <= hours.keys()
        days = {(row["channel_id"], row["first_hour"]): row for row in await rows_of(self.database, ToldDayRow)}
        assert self.days.items() <= days.items()
        for key in days.keys() - self.days.keys():
            self.check_day(days[key], hours, before, after)
        for channel in (GENERAL, RANDOM):
            ends = sorted((row["first_hour"], row["end_hour"]) for row in days.values() if row["channel_id"] == channel)
            assert all(end <= first for (_, end), (first, _) in pairwise(ends))
        self.hours, self.days = hours, days
        for row in await rows_of(self.database, LateChangeRow):
            if row["author"] == bytes([row["author"][0]]) * 16:
                assert row["author"][0] not in self.forgotten or row["author"] in {
                    one["author"] for one in after.values()
                }
        return after

    def check_hour(self, key, old, row):
        assert key[1] < told_before(self.latest)
        assert_on_the_grid(row)
        if row["authors"] and key not in self.once_told:
            assert old is None, "an hour that was hidden is told"
            self.once_told.add(key)
            self.seen["told"] += 1
        if old is None:
            assert row["version"] == (row["authors"] > 0)
            self.changed[key] = set()
        elif old != row:
            assert old["authors"] > 0
            assert row["version"] == old["version"] + 1 <= MOST_VERSIONS
            assert len(self.changed[key]) >= FEWEST_AUTHORS
            assert row["authors"] > 0 or not any(row[name] for name in ("score_sum", "unread", "written", "writers"))
            self.seen["told anew" if row["authors"] else "hidden later"] += 1
            self.changed[key] = set()

    def check_day(self, row, hours, before, after):
        """Without noise it can be told of which messages a day is."""
        assert row["end_hour"] <= told_before(self.latest)
        place = range(row["first_hour"], row["end_hour"])
        hidden = {
            key for key, one in hours.items() if key[0] == row["channel_id"] and key[1] in place and not one["version"]
        }
        candidates = [
            [one for one in rows.values() if (one["channel_id"], one["hour"]) in hidden and read_of(one)]
            for rows in (before, after)
        ]
        told = row["negative"] + row["neutral"] + row["positive"]
        nearest = [
            int(len(part) / BASE + 0.5) * BASE if len({one["author"] for one in part}) >= FEWEST_AUTHORS else 0
            for part in candidates
        ]
        assert told in nearest
        assert_on_the_grid(row)
        self.seen["days"] += told > 0

    async def ask(self):
        """Whatever range is asked for, and however it is put together, is a sum of what was told."""
        first = self.hour - self.rng.randint(0, 60)
        last = first + self.rng.randint(0, 60)
        there = [row for key, row in self.hours.items() if first <= key[1] <= last and row["authors"]]
        asked = [await self.moods.mood(HOME, channel, first, last) for channel in (GENERAL, RANDOM)]
        together = [await self.moods.guild_mood(HOME, first, last)]
        for moods in (asked, together):
            assert sum(hour.score_sum for mood in moods for hour in mood.hours) == sum(
                row["score_sum"] for row in there
            )
        table = await self.moods.told_hours(first, last, (HOME,))
        assert {(channel, hour.hour): hour.messages for _, channel, hour in table} == {
            (row["channel_id"], row["hour"]): row["negative"] + row["neutral"] + row["positive"] for row in there
        }
        assert [hour for _, _, hour in table if hour.hour >= told_before(self.latest)] == []


def read_of(row):
    """What is in the mood of a message."""
    return None if row is None or row["sentiment"] == UNREAD else (row["score"], row["sentiment"])


def assert_on_the_grid(row):
    messages = row["negative"] + row["neutral"] + row["positive"]
    assert messages % BASE == row["authors"] % BASE == 0
    assert min(row["negative"], row["neutral"], row["positive"]) >= 0
    if row["authors"]:
        assert messages >= BASE
        assert abs(row["score_sum"]) <= 1000 * messages
        assert row["score_sum"] % (10 * messages) == 0
        whole = HourMood(0, messages, 0, 0, row["score_sum"], row["score_square_sum"], 5)
        assert 100 * whole.standard_error == pytest.approx(round(100 * whole.standard_error), abs=1e-6)
    else:
        assert not any(row[name] for name in ("negative", "neutral", "positive", "score_sum", "score_square_sum"))
    if "writers" in row:
        assert row["unread"] % BASE == row["written"] % BASE == row["writers"] % BASE == 0
        assert 0 <= row["unread"] <= row["written"]
        assert row["writers"] or not row["written"]


@pytest.mark.slow
async def test_whatever_happens_what_was_told_changes_by_groups_only_and_nothing_hidden_opens(fresh):
    seen = Counter()
    for seed in range(HISTORIES):
        history = History(await fresh(), random.Random(seed), seen)
        rows = {}
        for _ in range(STEPS):
            if await history.step():
                rows = await history.check(rows)
            if history.rng.random() < 0.2:
                await history.ask()
        seen["edits"] += history.buffer.counts.edits
    assert min(seen[kind] for kind in ("told", "told anew", "hidden later", "days", "edits")) > 3, seen
