"""Reactions on strong messages: from the server's set, at Discord's pace, and not against its will."""

import asyncio
from types import SimpleNamespace

import pytest
from simcord import ChannelHandle

from bot.monitoring.reactions import SPACING, WAITING, Reactions, tag_for
from bot.refusal_backoff import PAUSES, RefusalBackoff
from model import SENTIMENTS, Sentiment, Verdict
from tests.bot.parts import monitoring_of

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"
STAR = "🌟"
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

    def __init__(self):
        self.paused, self.reacted = [], []
        self.reactions = Reactions(RefusalBackoff(), None, self._pause)  # type: ignore[arg-type]

    async def _pause(self, seconds):
        over = asyncio.get_running_loop().create_future()
        self.paused.append((seconds, over))
        await over

    def write(self, number, channel=1):
        async def add_reaction(_emoji):
            self.reacted.append(number)

        self.reactions.offer(
            SimpleNamespace(channel=SimpleNamespace(id=channel), add_reaction=add_reaction),  # type: ignore[arg-type]
            STAR,
            channel,
        )

    async def settle(self):
        for _ in range(10):
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


async def test_an_edit_changes_no_tag(tagged):
    message = await tagged.alice.send(tagged.general, PLAIN)
    await tagged.alice.edit(message, GOOD)
    assert requests(tagged) == 0


async def test_in_a_busy_channel_the_newest_are_tagged_at_discords_pace():
    paced = Paced()
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


async def test_after_the_last_reaction_the_next_one_keeps_its_distance():
    paced = Paced()
    paced.write(1)
    await paced.settle()
    paced.write(2)
    await paced.settle()
    assert paced.reacted == [1]
    await paced.end_pauses()
    assert paced.reacted == [1, 2]
    await paced.reactions.close()


async def test_channels_do_not_wait_for_each_other():
    paced = Paced()
    for channel in (1, 2, 3):
        paced.write(channel, channel)
    await paced.settle()
    assert paced.reacted == [1, 2, 3]
    await paced.end_pauses()
    assert paced.reactions._lanes == {}


async def test_stopping_gives_up_what_waits():
    paced = Paced()
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
async def test_a_channel_that_refuses_gets_three_requests_in_all_and_the_admins_one_note(tagged, status, code):
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
    assert "1 watched channel is in order" in said
    assert "I try again from now on" in said
    await tagged.alice.send(tagged.general, GOOD)
    assert reactions(tagged.general.last_message) == [STAR]


async def test_an_emoji_that_was_deleted_is_said_to_be(tagged):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    tagged.env.inject_error("PUT", REACTION, status=400, code=10014)
    await tagged.alice.send(tagged.general, GOOD)
    assert "/monitor settings" in mods.last_message.content


async def test_a_mod_channel_that_refuses_too_gets_three_requests_in_all(tagged):
    mods = tagged.guild.create_text_channel("mods")
    await tagged.monitor("settings", mod_channel=mods)
    tagged.env.inject_error("POST", f"/channels/{mods.id}/messages", status=403, code=50001, times=99)
    tagged.env.inject_error("PUT", REACTION, status=403, code=50013, times=99)
    others = [tagged.guild.create_text_channel(f"channel-{number}") for number in range(6)]
    for other in others:
        await tagged.watch(other, tagging=True)
        await tagged.alice.send(other, GOOD)
        await tagged.env.advance_time(2 * PAUSES[1])
    assert sum(entry.path == f"/channels/{mods.id}/messages" for entry in tagged.env.http_requests) == 3


async def test_a_thread_is_tagged_and_its_channel_answers_for_its_permissions(tagged):
    thread = ChannelHandle(
        tagged.env, tagged.guild, tagged.env.backend.create_thread(tagged.general.id, "plans", tagged.maya.id)
    )
    await tagged.env.settle()
    await tagged.alice.send(thread, GOOD)
    assert reactions(thread.last_message) == [STAR]
    tagged.env.inject_error("PUT", REACTION, status=403, code=50013)
    await tagged.alice.send(thread, GOOD)
    before = requests(tagged)
    await tagged.alice.send(tagged.general, GOOD)
    assert requests(tagged) == before
    assert "I try again from now on" in await tagged.monitor("doctor")
    await tagged.alice.send(thread, GOOD)
    assert reactions(thread.last_message) == [STAR]
