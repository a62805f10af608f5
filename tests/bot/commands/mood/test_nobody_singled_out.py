"""What a member or an admin could do to find out one person's scores, tried with commands in the real bot."""

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.disclosure import told_from
from bot.storage.maintenance import purge_what_is_old, tell_what_is_over
from bot.storage.schema import HourAuthorRow, HourRow, MessageScoreRow, ToldHourRow
from tests.bot.pasts import hour_now
from tests.bot.storage.scenes import rows_of

GOOD, BAD, PLAIN = "what a wonderful day, I love it", "this is terrible, I hate it", "the meeting is at five"


@pytest.fixture
def clock_begins():
    """Early yesterday, so that hours and a day can be over."""
    return datetime.now(UTC).replace(hour=3, minute=10) - timedelta(days=1)


class Talk:
    """A watched channel with people in it, and what can be asked of it."""

    def __init__(self, home):
        self.home, self.env, self.storage = home, home.env, home.storage
        self.people = [home.guild.add_member(home.env.create_user(f"p{number}")) for number in range(12)]

    async def later(self, hours=1):
        """So much time passes, and what is over is told."""
        self.env.backend.clock._epoch += timedelta(hours=hours)
        await tell_what_is_over(self.storage, self.env.backend.clock.now().timestamp())

    async def answers(self):
        """Everything that is told, in words and as a table, for several ranges."""
        said = []
        for since in ("1 hour", "6 hours", "24 hours", "30 days"):
            for command in ("mood channel", "mood server"):
                answer = await self.home.alice.slash(self.home.general, command, since=since)
                said.append((answer.response.content, len(answer.response.attachments)))
        return [*said, await self.table()]

    async def table(self):
        answer = await self.home.adam.slash(self.home.general, "mood export")
        if not answer.response.attachments:
            return []
        content = await answer.response.attachments[0].read()
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.fixture
async def talk(home):
    talk = Talk(home)
    await home.env.settle()
    await home.watch()
    return talk


async def test_whoever_asks_again_and_again_learns_nothing_of_the_hour_that_runs(talk):
    before = await talk.answers()
    for number, person in enumerate(talk.people):
        await person.send(talk.home.general, (GOOD, BAD, PLAIN)[number % 3])
        if number % 4 == 3:
            assert await talk.answers() == before
    now = hour_now(talk.env)
    answer = await talk.home.alice.slash(talk.home.general, "mood channel", since="1 hour")
    assert f"Each hour shows up once it's over: this one at <t:{told_from(now)}:t>." in answer.response.content
    await talk.later()
    (row,) = await talk.table()
    assert (int(row["messages"]) % 5, row["people"]) == (0, "10")


@pytest.mark.parametrize("how", ["opt-out", "delete one", "edit one", "four and one"])
async def test_an_answer_before_and_after_what_one_person_does_is_the_same(talk, how):
    victim, others = talk.people[0], talk.people[1:8]
    sent = [await victim.send(talk.home.general, text) for text in (BAD, BAD + " really", GOOD)]
    theirs = [await other.send(talk.home.general, PLAIN) for other in others]
    await talk.later()
    before = await talk.answers()
    assert len(before[-1]) == 1
    if how == "opt-out":
        await victim.slash(talk.home.general, "privacy opt-out")
    elif how == "delete one":
        await victim.delete(sent[0])
    elif how == "edit one":
        await victim.edit(sent[0], GOOD)
    else:
        for other, message in zip(others[:3], theirs, strict=False):
            await other.edit(message, GOOD)
        await victim.delete(sent[0])
    await talk.later(0)
    assert await talk.answers() == before
    assert len(await rows_of(talk.storage.database, MessageScoreRow)) < 11  # what is exact has followed


async def test_hidden_hours_do_not_open_by_editing_old_messages(talk):
    """Two opted out, wrote, opted in and edited: the hour would have had five people, and the day's sum the rest."""
    puppets = talk.people[5:7]
    for puppet in puppets:
        await puppet.slash(talk.home.general, "privacy opt-out")
    old = [await puppet.send(talk.home.general, PLAIN) for puppet in puppets]
    for person in talk.people[:3]:
        await person.send(talk.home.general, BAD)
    await talk.later(5)
    for person in talk.people[3:5]:
        await person.send(talk.home.general, GOOD)
    await talk.later(20)
    before = await talk.answers()
    assert before[-1] == []
    day = await talk.home.alice.slash(talk.home.general, "mood channel", since="30 days")
    assert "messages by 5+ people" in day.response.content
    for puppet, message in zip(puppets, old, strict=True):
        await puppet.slash(talk.home.general, "privacy opt-in")
        await puppet.edit(message, GOOD)
    await talk.later(0)
    assert await talk.answers() == before
    assert [row["authors"] for row in await rows_of(talk.storage.database, HourRow)] == [3, 2]


async def test_what_few_people_wrote_is_nowhere_after_the_retention_time(talk):
    await talk.home.maya.send(talk.home.general, BAD)
    await talk.later(8 * 24)
    now = talk.env.backend.clock.now().timestamp()
    await purge_what_is_old(talk.storage, 7, now)
    for table in (HourRow, HourAuthorRow, MessageScoreRow):
        assert await rows_of(talk.storage.database, table) == []
    (row,) = await rows_of(talk.storage.database, ToldHourRow)
    assert {name for name, number in row.items() if number} == {"channel_id", "guild_id", "hour"}


async def test_all_who_ask_at_once_are_told_the_same(talk):
    for person in talk.people[:6]:
        await person.send(talk.home.general, BAD)
    await talk.later()
    tables = [await talk.table() for _ in range(3)]
    assert tables[0] == tables[1] == tables[2] != []
    told = await asyncio.gather(
        *(talk.storage.moods.mood(talk.home.guild.id, talk.home.general.id, 0, 10**6) for _ in range(5))
    )
    assert all(one == told[0] for one in told)
    assert f"{told[0].hours[0].mean:.2f}" == tables[0][0]["mean_score"]
