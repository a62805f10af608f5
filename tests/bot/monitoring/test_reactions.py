"""Reactions on strong messages: from the server's set, at Discord's pace, and not against its will."""

import asyncio
from types import SimpleNamespace

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend import serializers

from bot.domain.rules import Place
from bot.monitoring.admin_notifier import COLLECTING
from bot.monitoring.reactions import SPACING, WAITING, Reactions, tag_for
from bot.monitoring.tag_removal import TagRemoval
from bot.refusal_backoff import LATER, PAUSES, RefusalBackoff
from model import SENTIMENTS, Sentiment, Verdict
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"
STAR = "🌟"
AUTHOR = b"a" * 16
REACTION = "/channels/*/messages/*/reactions/*/@me"


@pytest.fixture
async def tagged(home):
    """General is watched and tagged. No time passes between two reactions, and back-off goes by the simulated clock."""
    monitoring_of(home.bot).reactions._pause = lambda _seconds: asyncio.sleep(0)
    monitoring_of(home.bot).backoff._clock = lambda: home.env.backend.clock.elapsed
    await home.watch(tagging=True)
    return home


class Paced:
    """A reactions whose pauses last until the test ends them, and the messages it is offered."""

    def __init__(self, storage):
        self.paused, self.reacted = [], []
        removal = TagRemoval(storage.tags, None)  # type: ignore[arg-type]
        self.reactions = Reactions(RefusalBackoff(), None, storage.tags, removal, pause=self._pause)  # type: ignore[arg-type]

    async def _pause(self, seconds):
        over = asyncio.get_running_loop().create_future()
        self.paused.append((seconds, over))
        await over

    def write(self, number, channel=1):
        async def add_reaction(_emoji):
            self.reacted.append(number)

        message = SimpleNamespace(id=number, channel=SimpleNamespace(id=channel), add_reaction=add_reaction)
        self.reactions.offer(message, Place(1, channel), AUTHOR, STAR)  # type: ignore[arg-type]

    async def settle(self):
        """Returns once every channel's reactions are at a pause, or have ended."""
        async with asyncio.timeout(20):
            while len(self.paused) < len(self.reactions._tasks):
                await asyncio.sleep(0)

    async def end_pauses(self):
        while self.paused:
            seconds, over = self.paused.pop()
            assert seconds == SPACING
            over.set_result(None)
        await self.settle()


def reactions(message):
    """The emoji under a message."""
    return [str(reaction.emoji) for reaction in message.reactions]


def no_more(home, permission):
    """The bot's role, and everybody's, loses a permission in the whole server."""
    backend = home.env.backend
    guild = backend.get_guild(home.guild.id)
    bit = getattr(discord.Permissions, permission).flag
    for role in guild.roles.values():
        role.permissions &= ~bit & ~discord.Permissions.administrator.flag
        backend.emit("GUILD_ROLE_UPDATE", {"guild_id": str(guild.id), "role": serializers.role_payload(role)})


def requests(home):
    """How often the bot asked for a reaction so far."""
    return sum(entry.method == "PUT" and "/reactions/" in entry.path for entry in home.env.http_requests)


def verdict(sentiment, confidence):
    rest = (1 - confidence) / 2
    return Verdict(sentiment, tuple(confidence if one is sentiment else rest for one in SENTIMENTS), 1, "test")


@pytest.mark.parametrize(
    ("sentiment", "confidence", "expected"),
    [
        (Sentiment.POSITIVE, 0.9, "🌟"),
        (Sentiment.POSITIVE, 0.899, None),
        (Sentiment.NEGATIVE, 0.95, "\N{CLOUD WITH RAIN}"),
        (Sentiment.NEUTRAL, 0.99, None),
    ],
)
async def test_only_strong_messages_get_a_tag(storage, sentiment, confidence, expected):
    assert tag_for(verdict(sentiment, confidence), await storage.guilds.settings(1)) == expected


async def test_it_is_off_until_an_admin_switches_it_on(home):
    await home.watch()
    await home.alice.send(home.general, GOOD)
    assert requests(home) == 0


async def test_the_servers_own_reactions_are_used(tagged):
    await tagged.monitor("settings", positive_emoji="🎉", negative_emoji="🫂")
    good = await tagged.alice.send(tagged.general, GOOD)
    bad = await tagged.alice.send(tagged.general, BAD)
    plain = await tagged.alice.send(tagged.general, PLAIN)
    shown = {message.id: reactions(message) for message in tagged.general.history()}
    assert [shown[message.id] for message in (good, bad, plain)] == [["🎉"], ["🫂"], []]


async def test_a_higher_floor_tags_less(tagged):
    await tagged.monitor("settings", confidence=99)
    await tagged.alice.send(tagged.general, "nice")
    assert requests(tagged) == 0


async def test_in_a_busy_channel_the_newest_are_tagged_at_discords_pace(storage):
    paced = Paced(storage)
    for number in range(20):
        paced.write(number)
        await paced.settle()
    assert paced.reacted == [0]
    for more in range(1, WAITING + 1):
        await paced.end_pauses()
        assert paced.reacted == [0, *range(20 - WAITING, 20)][: more + 1]
    assert paced.reactions.dropped == 20 - 1 - WAITING
    await paced.end_pauses()
    assert (paced.paused, paced.reactions._lanes, paced.reactions._tasks) == ([], {}, set())


async def test_after_the_last_reaction_the_next_one_keeps_its_distance(storage):
    paced = Paced(storage)
    paced.write(1)
    await paced.settle()
    paced.write(2)
    await paced.settle()
    assert paced.reacted == [1]
    await paced.end_pauses()
    assert paced.reacted == [1, 2]
    await paced.reactions.close()


async def test_channels_do_not_wait_for_each_other(storage):
    paced = Paced(storage)
    for channel in (1, 2, 3):
        paced.write(channel, channel)
    await paced.settle()
    assert paced.reacted == [1, 2, 3]
    await paced.end_pauses()
    assert paced.reactions._lanes == {}


async def test_stopping_gives_up_what_waits(storage):
    paced = Paced(storage)
    for number in range(3):
        paced.write(number)
    await paced.settle()
    await paced.reactions.close()
    assert (paced.reacted, paced.reactions._lanes, paced.reactions._tasks) == ([0], {}, set())


@pytest.mark.parametrize(("status", "code"), [(404, 10008), (403, 90001), (403, 30010)])
async def test_a_message_that_is_gone_and_an_author_who_blocks_the_bot_are_normal_life(tagged, status, code):
    tagged.env.inject_error("PUT", REACTION, status=status, code=code)
    await tagged.alice.send(tagged.general, GOOD)
    message = await tagged.alice.send(tagged.general, GOOD)
    assert reactions(tagged.general.last_message) == [STAR]
    assert tagged.general.last_message.id == message.id


@pytest.mark.parametrize(("status", "code"), [(403, 50013), (404, 10003)])
async def test_a_channel_that_refuses_is_probed_less_and_less_and_the_admins_get_one_note(tagged, status, code):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    tagged.env.inject_error("PUT", REACTION, status=status, code=code, times=99)
    for _ in range(20):
        await tagged.alice.send(tagged.general, GOOD)
        await tagged.env.advance_time(PAUSES[0] / 2)
    for _ in range(6):
        await tagged.env.advance_time(PAUSES[1])
        await tagged.alice.send(tagged.general, GOOD)
    assert requests(tagged) == 3
    (told,) = mods.history()
    assert tagged.general.mention in told.content
    assert len(await tagged.messages()) == 26
    assert "my tags are refused there" in await tagged.monitor("status")
    tagged.env.backend.faults.clear()
    await tagged.env.advance_time(PAUSES[2])
    await tagged.alice.send(tagged.general, GOOD)
    assert reactions(tagged.general.last_message) == [STAR]


async def test_the_other_channels_are_tagged_all_the_same(tagged):
    other = tagged.guild.create_text_channel("other")
    await tagged.watch(other, tagging=True)
    tagged.env.inject_error("PUT", f"/channels/{tagged.general.id}/*", status=403, code=50013, times=99)
    await tagged.alice.send(tagged.general, GOOD)
    await tagged.alice.send(other, GOOD)
    assert reactions(other.last_message) == [STAR]


async def test_the_doctor_finds_it_in_order_and_it_is_tried_again(tagged):
    tagged.env.inject_error("PUT", REACTION, status=403, code=50013)
    await tagged.alice.send(tagged.general, GOOD)
    said = await tagged.monitor("doctor")
    assert "1 watched channel is fine" in said
    assert "I'll try again now" in said
    await tagged.alice.send(tagged.general, GOOD)
    assert reactions(tagged.general.last_message) == [STAR]


async def test_an_emoji_that_was_deleted_in_six_channels_is_one_note(tagged):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    tagged.env.inject_error("PUT", REACTION, status=400, code=10014, times=None)
    others = [tagged.guild.create_text_channel(f"channel-{number}") for number in range(6)]
    for other in others:
        await tagged.watch(other, tagging=True)
        await tagged.alice.send(other, GOOD)
    await tagged.env.advance_time(COLLECTING[0])
    (told,) = mods.history()
    assert "/monitor settings" in told.content
    assert all(other.mention in told.content for other in others)
    for _ in range(3):
        await tagged.alice.send(tagged.general, GOOD)
        await tagged.env.advance_time(COLLECTING[1])
    assert len(mods.history()) == 1


async def test_a_permission_that_the_role_lacks_everywhere_is_one_note_that_names_it(tagged):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    others = [tagged.guild.create_text_channel(f"channel-{number}") for number in range(12)]
    for other in others:
        await tagged.watch(other, tagging=True)
    no_more(tagged, "add_reactions")
    await tagged.env.settle()
    for other in others:
        await tagged.alice.send(other, GOOD)
    await tagged.env.advance_time(COLLECTING[0])
    (told,) = mods.history()
    assert "My role in this server is missing **Add Reactions**" in told.content
    assert "and 2 more" in told.content
    await tagged.alice.send(tagged.general, GOOD)
    await tagged.env.advance_time(COLLECTING[1])
    assert len(mods.history()) == 1


async def test_a_mod_channel_that_refuses_too_gets_three_requests_in_all(tagged):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    tagged.env.inject_error("POST", f"/channels/{mods.id}/messages", status=403, code=50001, times=99)
    tagged.env.inject_error("PUT", REACTION, status=403, code=50013, times=99)
    others = [tagged.guild.create_text_channel(f"channel-{number}") for number in range(6)]
    for other in others:
        await tagged.watch(other, tagging=True)
        await tagged.alice.send(other, GOOD)
        await tagged.env.advance_time(COLLECTING[2])
    assert sum(entry.path == f"/channels/{mods.id}/messages" for entry in tagged.env.http_requests) == 3


async def test_a_thread_that_refuses_silences_neither_its_channel_nor_the_other_threads(tagged):
    backend = tagged.env.backend
    threads = [backend.create_thread(tagged.general.id, name, tagged.maya.id) for name in ("plans", "ideas")]
    one, other = (ChannelHandle(tagged.env, tagged.guild, thread) for thread in threads)
    await tagged.env.settle()
    tagged.env.inject_error("PUT", f"/channels/{one.id}/*", status=403, code=50001)
    await tagged.alice.send(one, GOOD)
    await tagged.alice.send(one, GOOD)
    assert requests(tagged) == 1
    for place in (tagged.general, other):
        await tagged.alice.send(place, GOOD)
        assert reactions(place.last_message) == [STAR]
    assert "I'll try again now" in await tagged.monitor("doctor")
    await tagged.alice.send(one, GOOD)
    assert reactions(one.last_message) == [STAR]


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_outage_stops_no_tags_for_long_and_alarms_nobody(tagged, status):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    tagged.env.inject_error("PUT", REACTION, status=status, times=10)
    for _ in range(10):
        await tagged.alice.send(tagged.general, GOOD)
        await tagged.env.advance_time(LATER[-1])
    await tagged.alice.send(tagged.general, GOOD)
    assert reactions(tagged.general.last_message) == [STAR]
    assert mods.history() == []
    assert "refused" not in await tagged.monitor("status")
