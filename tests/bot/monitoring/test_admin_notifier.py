"""What a server's admins are told: one cause is one note, an outage loses nothing, and somebody hears in any case."""

import asyncio

import aiohttp
import pytest

from bot.domain.records import GuildSettings
from bot.monitoring.admin_notifier import AGAIN, COLLECTING, FORGOTTEN_SECONDS, NAMED, OWNER_SECONDS, OWNERS_AN_HOUR
from tests.bot.parts import monitoring_of

GOOD = "what a wonderful day"


@pytest.fixture
async def mods(home):
    channel = home.guild.create_text_channel("mods")
    await home.monitor("settings", mod_channel=channel)
    return channel


class Time:
    """Goes on when the test says so: a clock, and pauses that end by it."""

    def __init__(self):
        self.now, self._pauses = 0.0, []

    def __call__(self):
        return self.now

    async def pause(self, seconds):
        over = asyncio.get_running_loop().create_future()
        self._pauses.append((self.now + seconds, over))
        await over

    async def passes(self, seconds, admins):
        self.now += seconds
        for until, over in self._pauses:
            if until <= self.now and not over.done():
                over.set_result(None)
        while any(not self._is_waiting(task) for task in admins._tasks):
            await asyncio.sleep(0)

    def _is_waiting(self, task):
        return any(not over.done() and task._fut_waiter is over for _, over in self._pauses)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def admins(home, time):
    admins = monitoring_of(home.bot).admins
    admins._clock, admins._pause = time, time.pause
    return admins


@pytest.fixture
def guild(home):
    return home.bot.get_guild(home.guild.id)


@pytest.fixture
def passes(admins, time):
    """So many seconds pass."""

    async def so_many(seconds):
        await time.passes(0, admins)
        await time.passes(seconds, admins)

    return so_many


def words(places):
    return f"It went wrong in {places}."


def said(channel):
    return [message.content for message in channel.history()]


def direct_messages(home):
    """What the server's owner got."""
    owner = home.env.backend.get_guild(home.guild.id).owner_id
    channels = home.env.backend.channels.values()
    theirs = next((one.id for one in channels if owner in one.recipient_ids), None)
    sent = [entry for entry in home.env.http_requests if entry.path == f"/channels/{theirs}/messages"]
    return [entry.json["content"] for entry in sent]


async def test_what_goes_wrong_in_many_places_is_collected_into_one_note(home, mods, admins, guild, passes):
    for number in range(NAMED + 2):
        admins.report(guild, "cause", f"#{number}", words)
        admins.report(guild, "cause", f"#{number}", words)
    assert said(mods) == []
    await passes(COLLECTING[0])
    assert said(mods) == [f"It went wrong in {', '.join(f'#{number}' for number in range(NAMED))} and 2 more."]


async def test_what_goes_wrong_later_is_told_later_and_less_and_less(home, mods, admins, guild, passes):
    for number, wait in enumerate((*COLLECTING, COLLECTING[-1])):
        admins.report(guild, "cause", f"#{number}", words)
        await passes(wait - 1)
        assert len(said(mods)) == number
        await passes(1)
        assert said(mods)[-1] == f"It went wrong in #{number}."


async def test_a_cause_that_is_one_thing_for_the_whole_server_is_told_once(home, mods, admins, guild, passes):
    for number in range(3):
        admins.report(guild, "cause", f"#{number}", words, once=True)
        await passes(COLLECTING[-1])
    assert said(mods) == ["It went wrong in #0."]
    admins.report(guild, "another", "#0", words, once=True)
    await passes(COLLECTING[0])
    assert len(said(mods)) == 2


async def test_a_sentence_with_a_cause_is_told_once_until_it_was_quiet_for_a_week(home, mods, admins, guild, passes):
    for _ in range(2):
        await admins.tell(guild, "I was away.", cause="gap")
    assert said(mods) == ["I was away."]
    await passes(FORGOTTEN_SECONDS + 1)
    await admins.tell(guild, "I was away.", cause="gap")
    assert len(said(mods)) == 2
    assert len(admins._causes) == 1, "what is over takes up no room"


async def test_a_sentence_without_a_cause_is_told_each_time(mods, admins, guild):
    for number in range(2):
        await admins.tell(guild, f"sentence {number}")
    assert said(mods) == ["sentence 0", "sentence 1"]


@pytest.mark.parametrize("error", [503, aiohttp.ServerDisconnectedError()], ids=str)
async def test_what_cannot_be_told_in_an_outage_is_told_after_it(home, mods, admins, guild, monkeypatch, error, passes):
    async def fail(*_, **__):
        raise error

    with monkeypatch.context() as broken:
        if isinstance(error, int):
            home.env.inject_error("POST", f"/channels/{mods.id}/messages", status=error)
        else:
            broken.setattr(type(home.bot.http), "send_message", fail)
        await admins.tell(guild, "a sentence")
        await home.env.settle()
    assert said(mods) == []
    await passes(AGAIN[0])
    assert said(mods) == ["a sentence"]


async def test_an_outage_that_does_not_end_is_logged_and_not_waited_for(home, mods, admins, guild, caplog, passes):
    caplog.set_level("WARNING")
    home.env.inject_error("POST", f"/channels/{mods.id}/messages", status=503, times=None)
    await admins.tell(guild, "a sentence")
    for wait in AGAIN:
        await passes(wait)
    assert "could not be told (503)" in caplog.text
    assert not admins._tasks


async def test_without_a_mod_channel_the_owner_is_told_once_a_day(home, admins, guild, passes):
    for _ in range(3):
        await admins.tell(guild, "I read nothing.")
        await home.env.settle()
    (text,) = direct_messages(home)
    assert text.startswith("About **Home**: I read nothing.")
    assert "/monitor settings" in text
    await passes(OWNER_SECONDS)
    await admins.tell(guild, "I read nothing.")
    assert len(direct_messages(home)) == 2


async def test_an_owner_who_takes_no_messages_is_not_asked_again_that_day(home, admins, guild):
    home.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=None)
    for _ in range(3):
        await admins.tell(guild, "a sentence")
    assert len(direct_messages(home)) == 1


async def test_owners_of_many_servers_are_not_all_written_to_in_one_hour(home, admins, guild, passes):
    admins._direct.extend([0.0] * OWNERS_AN_HOUR)
    await admins.tell(guild, "a sentence")
    assert direct_messages(home) == []
    await passes(3600)
    await admins.tell(guild, "a sentence")
    assert len(direct_messages(home)) == 1


async def test_where_nothing_is_read_and_no_mod_channel_was_chosen_the_owner_hears_of_it(home):
    await home.monitor("enable", whole_server=True)
    home.env.inject_error("POST", f"/channels/{home.general.id}/messages", status=403, code=50013, times=None)
    await home.alice.send(home.general, GOOD)
    await home.env.advance_time(COLLECTING[0])
    (text,) = direct_messages(home)
    assert home.general.mention in text


async def test_stopping_gives_up_what_waits(home, mods, admins, guild):
    admins.report(guild, "cause", "#0", words)
    await admins.close()
    assert not admins._tasks
    assert said(mods) == []


async def test_a_server_whose_settings_are_known_is_told_there(home, admins, guild, mods):
    assert (await monitoring_of(home.bot).rules.settings(guild.id)) == GuildSettings(guild.id, mod_channel_id=mods.id)
    await admins.tell(guild, "a sentence")
    assert direct_messages(home) == []


@pytest.mark.parametrize("event", [True, False])
async def test_of_a_server_that_has_removed_the_bot_nobody_is_told(home, admins, guild, passes, event):
    for number in range(2):
        admins.report(guild, "cause", f"#{number}", words)
        await passes(0)
    assert len(direct_messages(home)) == 1
    if event:
        home.env.backend.remove_guild(home.guild.id)
        await home.env.settle()
        assert not admins._tasks and not admins._causes
    else:  # as between the event and its turn
        home.bot._connection._remove_guild(guild)
    sent = len(home.env.http_requests)
    await admins.tell(guild, "a sentence")
    await passes(COLLECTING[-1] + OWNER_SECONDS)
    assert [entry for entry in home.env.http_requests[sent:] if "/guilds/" not in entry.path] == []


async def test_what_is_forgotten_with_a_server_is_news_when_the_bot_is_back(home, mods, admins, guild, passes):
    for _ in range(2):
        admins.report(guild, "cause", "#0", words)
        await passes(COLLECTING[0])
    admins.forget(guild.id)
    await passes(0)
    admins.report(guild, "cause", "#1", words)
    await passes(COLLECTING[0])
    assert said(mods) == ["It went wrong in #0.", "It went wrong in #1."]
