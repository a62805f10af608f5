"""While little or nothing may be asked of Discord nothing is given up, and nothing is asked that would be refused."""

import pytest

from bot.link.brake import KeptOut
from bot.monitoring import notice as notices_module
from bot.monitoring.catch_up_channel import FAILURES
from bot.monitoring.notice_check import LATELY, Found
from bot.monitoring.notice_words import notice
from tests.bot.forums import teach_forums
from tests.bot.parts import monitoring_of, overwrite

GOOD = "what a wonderful day, I love it so much, amazing"


@pytest.mark.parametrize("most_in_vain", [notices_module.MOST_IN_VAIN, 1], ids=["read", "not known to be told"])
async def test_what_was_missed_waits(home, away, monkeypatch, most_in_vain):
    await home.watch()
    async with away():
        meanwhile = [await home.maya.send(home.general, f"{GOOD} {number}") for number in range(3)]
    notices = monitoring_of(home.bot).notices
    monkeypatch.setattr(notices_module, "MOST_IN_VAIN", most_in_vain)
    notices.doubt((home.guild.id,))
    runs = 0

    async def kept_out(*_args, **_options):
        nonlocal runs
        runs += 1
        raise KeptOut(0.0)

    with monkeypatch.context() as held:
        held.setattr(home.bot.http, "request", kept_out)
        for _ in range(FAILURES + 2):
            await away.watch.catch_up.work(away.clock.now)
    assert runs
    assert away.watch.catch_up.waiting == 1
    assert await away.gaps == [(None, None, "connection")]
    notices._ask_from.clear()  # two minutes later
    await away.catch_up()
    assert await home.messages() == [message.id for message in meanwhile]
    assert await away.gaps == []


def asked(home):
    return [one.path for one in home.env.http_requests if one.method == "GET"]


async def lately(home, channel, words):
    """What is found of a notice with these words."""
    now = home.env.backend.clock.now().timestamp()
    return await monitoring_of(home.bot).notices._check.posted_before(home.bot.get_channel(channel.id), words, now)


async def test_a_notice_that_was_just_posted_is_found_however_much_was_written_before_it(home, away):
    backend, words = home.env.backend, notice(7)
    for number in range(60):
        backend.create_message(home.general.id, home.maya.id, f"number {number}")
    assert await lately(home, home.general, words) is None
    posted = backend.create_message(home.general.id, backend.bot_user.id, words)
    found = await lately(home, home.general, words)
    assert found is not None
    assert found.message_id == posted.id
    await home.env.advance_time(LATELY + 60)
    assert await lately(home, home.general, words) is None


async def test_where_no_history_may_be_read_no_notice_is_asked_for(home, away):
    teach_forums(home.env.backend)
    forum = home.guild.create_forum_channel("help")
    await home.env.settle()
    await home.watch()
    await home.watch(forum)
    noted = await home.storage.notices.all()
    assert len(noted) == 2
    for channel in (home.general, forum):
        await overwrite(home.env, channel, home.guild.me, read_message_history=False)
    before = asked(home)
    assert await lately(home, forum, notice(7)) is None
    check = monitoring_of(home.bot).notices._check
    assert [await check.ask(known) for known in noted] == [(Found.HIDDEN, known.message_id) for known in noted]
    assert asked(home) == before
