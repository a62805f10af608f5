"""What goes wrong while a history is read: nothing is lost by it, and nothing is read that must not be."""

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from bot.domain.backfill import MOST_DAYS, BackfillState
from bot.monitoring.backfill import job
from bot.monitoring.backfill.members import BELIEVED_HERE_SECONDS, Members
from bot.storage.schema import NoticeRow
from model import InferenceFailed
from tests.bot.monitoring.past import A_DAY, BAD, GOOD


async def test_a_run_that_was_paused_for_a_month_reads_no_further_back_than_any(home, past):
    """Deletions and opt-ins are forgotten after 30 days."""
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=MOST_DAYS)
    await home.monitor("backfill", do="pause")
    home.env.backend.clock._epoch += timedelta(days=31)
    past.away.clock.go_on(31 * A_DAY)
    backfills = past.watch.backfills
    backfills._runs.clear()  # what a process that was ended has left: the store alone
    backfills._loaded = False
    await home.monitor("backfill", do="resume")
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await past.rows("SELECT messages, left_out FROM backfills") == [(0, 1)]
    assert await past.rows("SELECT hour FROM told_hours") == []
    assert await past.rows("SELECT first_hour FROM filled_hours") == []


async def test_what_grows_too_old_while_it_waits_is_not_counted(home, past, monkeypatch):
    past.talk(3)
    past.talk(20)
    await past.told()
    await home.monitor("backfill", days=MOST_DAYS)
    wrote = job.Backfills._write

    async def write(self, run, reader):
        if reader.found and len(await home.messages()) == 5:
            past.away.clock.go_on(10 * A_DAY)
            monkeypatch.undo()
        await wrote(self, run, reader)

    monkeypatch.setattr(job.Backfills, "_write", write)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await past.rows("SELECT messages FROM backfills") == [(5,)]


async def test_what_somebody_forwards_is_left_out(home, past):
    """Who wrote it may have left since."""
    zoe = home.guild.add_member(home.env.create_user("zoe"))
    await home.env.settle()
    (said,) = past.talk(3, people=[zoe], text=BAD)
    with past.days_ago(2):
        where = {"type": 1, "channel_id": str(home.general.id), "message_id": str(said.id)}
        home.env.backend.create_message(home.general.id, past.people[0].id, reference=where, broadcast=False)
    counted = past.talk(3)
    await past.told()
    home.env.backend.remove_member(home.guild.id, zoe.id)
    await home.monitor("backfill", days=7)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await home.messages() == [message.id for message in counted]


async def test_a_long_outage_leaves_nothing_out(home, past, monkeypatch):
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    pace, tried = past.watch.backfills.pace, []

    async def fail(_pages):
        tried.append(past.away.clock.ran)
        raise ConnectionResetError

    monkeypatch.setattr(pace, "all", fail)
    for _ in range(400):
        await past.work(2)
        past.away.clock.go_on(30)
        if len(tried) == 10:
            break
    monkeypatch.undo()
    waits = [after - before for before, after in pairwise(tried)]
    assert waits == [60, 120, 240, 480, *[900] * 5]
    past.away.clock.go_on(job.LONGEST_WAIT)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await past.rows("SELECT messages, left_out FROM backfills") == [(5, 0)]


async def test_a_text_on_which_the_model_fails_is_passed_over(home, past, monkeypatch):
    counted = past.talk(3)
    past.talk(2, people=past.people[:1], text=BAD)
    await past.told()
    classifier = past.watch.backfills._reading._classifier
    classify = classifier.classify

    async def failing(text, *rest, **options):
        if text.startswith(BAD):
            raise InferenceFailed
        return await classify(text, *rest, **options)

    monkeypatch.setattr(classifier, "classify", failing)
    await home.monitor("backfill", days=7)
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await home.messages() == [message.id for message in counted]
    assert past.watch.ingest.counts[home.guild.id].failed == 1


@pytest.mark.parametrize("when", ["before it is written", "while it is written"])
async def test_a_notice_in_doubt_loses_nothing_of_a_day(home, past, monkeypatch, when):
    counted = past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    backfills, doubted = past.watch.backfills, []
    wrote, may_be_kept = job.Backfills._write, type(backfills._reading).may_be_kept

    def doubt():
        if not doubted:
            doubted.append(True)
            past.watch.notices.doubt((home.guild.id,))

    async def write(self, run, reader):
        if reader.found:
            doubt()
        await wrote(self, run, reader)

    def kept(self, one):
        doubt()
        return may_be_kept(self, one)

    if when == "before it is written":
        monkeypatch.setattr(job.Backfills, "_write", write)
    else:
        monkeypatch.setattr(type(backfills._reading), "may_be_kept", kept)
    await past.work()
    assert doubted
    assert await past.state() is BackfillState.DONE
    assert await home.messages() == [message.id for message in counted]


async def test_where_nobody_can_say_whether_the_notice_is_there_it_waits(home, past):
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    notices = past.watch.notices
    (known,) = past.watch.rules.notices(home.guild.id)
    notices.doubt((home.guild.id,))
    notices._ask_from[known.channel_id] = notices._clock() + 3600  # it was asked for in vain, again and again
    await past.work(3)
    assert await past.state() is BackfillState.RUNNING
    assert await past.rows("SELECT messages, left_out FROM backfills") == [(0, 0)]
    notices._ask_from.clear()
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await past.rows("SELECT messages, left_out FROM backfills") == [(5, 0)]


async def test_a_notice_in_doubt_that_says_nothing_of_the_history_is_not_waited_for(home, past):
    past.talk(3)
    await past.told()
    await home.monitor("backfill", days=7)
    async with home.storage.database.write() as connection:
        await connection.execute(update(NoticeRow).values(tells=0))
    past.watch.rules._told.clear()
    await past.watch.rules.load()
    past.watch.notices.doubt((home.guild.id,))
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await past.rows("SELECT messages, left_out FROM backfills") == [(0, 1)]


async def test_a_thread_that_is_deleted_does_not_end_its_channel(home, past):
    with past.days_ago(3):
        thread = home.env.backend.create_thread(home.general.id, "plans", home.maya.id)
        past.talk(0, channel=thread)
    counted = past.talk(5)
    await past.told()
    await home.monitor("backfill", days=7)
    backfills = past.watch.backfills
    await backfills._load()
    await backfills._step(backfills._runs[0])
    assert [one.channel.id for one in backfills._runs[0].places] == [home.general.id, thread.id]
    home.env.backend.delete_channel(thread.id)
    await home.env.settle()
    await past.work()
    assert await past.state() is BackfillState.DONE
    assert await home.messages() == [message.id for message in counted]
    assert await past.rows("SELECT left_out FROM backfills") == [(0,)]


async def test_that_somebody_is_there_is_not_believed_for_ever(home, past):
    zoe = home.guild.add_member(home.env.create_user("zoe"))
    await home.env.settle()
    clock, guild = past.away.clock, home.bot.get_guild(home.guild.id)
    members = Members(guild.id, past.watch.backfills.pace, lambda: clock.ran)
    assert await members.roles(guild, zoe.id, exact=False) is not None
    home.env.backend.remove_member(home.guild.id, zoe.id)
    clock.go_on(BELIEVED_HERE_SECONDS - 1)
    assert await members.roles(guild, zoe.id, exact=False) is not None
    clock.go_on(1)
    assert await members.roles(guild, zoe.id, exact=False) is None


async def test_a_renewed_notice_forgets_nothing_of_what_people_were_told_before(home, past, away):
    """What was counted keeps its row when it is edited, and what was missed is caught up."""
    await past.told()
    counted = await home.alice.send(home.general, GOOD)
    async with away():
        (missed,) = past.talk(0, people=past.people[:1])
    async with home.storage.database.write() as connection:
        await connection.execute(update(NoticeRow).values(tells=0))
    past.watch.rules._told.clear()
    await past.watch.rules.load()
    assert "so I posted a new one. Try again tomorrow." in await home.monitor("backfill", days=7)
    await home.alice.edit(counted, BAD)
    await away.catch_up()
    assert await home.messages() == [counted.id, missed.id]
    assert "I can't read any history yet." in await home.monitor("backfill", days=7)
