""" "Check sentiment" and "Why?": whose messages are read for somebody else, and everything that one says."""

import discord
import pytest
from simcord import ChannelHandle
from simcord.backend.models.message import MessageSticker, Poll, PollAnswer

from bot.commands.sentiment import MINE
from bot.monitoring.asked_message import UNREAD_PERSON, UNREAD_PLACE
from bot.ui.explain_button import FORGOTTEN
from tests.cards import headline

GOOD, BAD, PLAIN = "what a wonderful day", "this is terrible, I hate it", "the meeting is at five"


async def check(home, message, *, by=None, at=None):
    return await (by or home.adam).context_menu(at or home.general, "Check sentiment", message)


def said(answer):
    """What an answer says, in words or as the title of its embed."""
    assert answer.response.ephemeral
    return answer.response.content or headline(answer.response)


async def opt_out(member, channel):
    await member.slash(channel, "privacy opt-out")


# ---- whose


async def test_the_message_of_somebody_who_opted_out_is_not_read_for_others(home, backend):
    await opt_out(home.alice, home.general)
    message = await home.alice.send(home.general, BAD)
    batches = backend.batches
    assert said(await check(home, message)) == UNREAD_PERSON
    assert backend.batches == batches
    assert len(home.bot.services.recent_texts) == 0


async def test_ones_own_message_is_read_whatever_was_chosen(home):
    staff = home.guild.create_role("staff")
    sam = home.guild.add_member(home.env.create_user("sam"), roles=[staff])
    await home.monitor("exempt role", role=staff)
    await opt_out(sam, home.general)
    message = await sam.send(home.general, BAD)
    assert said(await check(home, message, by=sam)) == "Negative"


async def test_nobody_with_an_exempt_role_is_read_for_others(home, backend):
    staff = home.guild.create_role("staff")
    sam = home.guild.add_member(home.env.create_user("sam"), roles=[staff])
    await home.monitor("exempt role", role=staff)
    assert said(await check(home, await sam.send(home.general, BAD))) == UNREAD_PERSON
    assert said(await check(home, await home.alice.send(home.general, BAD))) == "Negative"


async def test_whose_roles_cannot_be_found_out_is_not_read_where_a_role_is_exempt(home):
    await home.monitor("exempt role", role=home.guild.create_role("staff"))
    message = await home.alice.send(home.general, BAD)
    home.env.inject_error("GET", "/guilds/*/members/*", status=500, code=0, times=1)
    assert said(await check(home, message)) == UNREAD_PERSON
    home.guild.remove_member(home.alice)
    await home.env.settle()
    assert said(await check(home, message)) == UNREAD_PERSON


async def test_nothing_is_read_in_an_exempt_channel_and_its_threads(home):
    thread = home.env.backend.create_thread(home.general.id, "t", home.maya.id)
    await home.env.settle()
    inside = ChannelHandle(home.env, home.guild, thread)
    await home.monitor("exempt channel", channel=home.general)
    for channel in (home.general, inside):
        assert said(await check(home, await home.alice.send(channel, BAD), at=channel)) == UNREAD_PLACE


async def test_what_is_only_not_watched_is_read_for_who_asks(home):
    other = home.guild.create_text_channel("other")
    await home.watch()
    assert said(await check(home, await home.alice.send(other, BAD), at=other)) == "Negative"


async def test_outside_any_server_only_who_opted_out_is_left_unread(world):
    assert (await world.check_in_dm(BAD, context=2)).response.components
    await world.alice.user.slash("privacy opt-out")
    assert (await world.check_in_dm(BAD, context=2)).response.components  # Alice asks about her own


async def test_bots_and_webhooks_are_read_for_who_asks(home):
    await home.monitor("exempt role", role=home.guild.create_role("staff"))
    bot = home.guild.add_member(home.env.create_user("other-bot", bot=True))
    assert said(await check(home, await bot.send(home.general, BAD))) == "Negative"
    hook = home.guild.create_webhook(home.general)
    assert said(await check(home, await hook.send(BAD))) == "Negative"


async def test_the_bots_own_messages_are_not_rated(home, backend):
    answer = await home.alice.slash(home.general, "sentiment", text=BAD)
    batches = backend.batches
    assert said(await check(home, answer.response.message)) == MINE
    assert backend.batches == batches


async def test_what_somebody_wrote_who_opted_out_is_not_read_where_it_was_forwarded_to_either(home):
    other = home.guild.create_text_channel("other")
    original = await home.alice.send(other, BAD)
    forwarded = await home.maya.forward(original, home.general)
    assert said(await check(home, forwarded)) == "Negative"
    await opt_out(home.alice, home.general)
    assert said(await check(home, forwarded)) == UNREAD_PERSON
    assert said(await check(home, forwarded, by=home.alice)) == "Negative"


async def test_a_forward_from_where_the_bot_cannot_look_is_answered_for_by_who_forwarded_it(home):
    other = home.guild.create_text_channel("other")
    original = await home.alice.send(other, BAD)
    forwarded = await home.maya.forward(original, home.general)
    await home.alice.delete(original)
    assert said(await check(home, forwarded)) == "Negative"
    await opt_out(home.maya, home.general)
    assert said(await check(home, forwarded)) == UNREAD_PERSON


async def test_whoever_opts_out_while_the_model_reads_is_not_told_of(home, monkeypatch):
    message = await home.alice.send(home.general, BAD)
    kind = type(home.bot.services.classifier)
    classify = kind.classify

    async def meanwhile(self, *text, **options):
        verdict = await classify(self, *text, **options)
        await home.storage.opt_outs.add(home.alice.id)
        return verdict

    monkeypatch.setattr(kind, "classify", meanwhile)
    assert said(await check(home, message)) == UNREAD_PERSON
    assert len(home.bot.services.recent_texts) == 0


# ---- why


async def why(home, answer):
    pressed = await home.adam.click(answer.response, label="Why?")
    assert pressed.response.ephemeral
    return pressed.response.content or pressed.response.embeds[0].title


async def test_why_forgets_what_somebody_wrote_who_opts_out(home):
    answer = await check(home, await home.alice.send(home.general, BAD))
    assert await why(home, answer) == "Why negative?"
    await opt_out(home.alice, home.general)
    assert len(home.bot.services.recent_texts) == 0
    assert await why(home, answer) == FORGOTTEN


@pytest.mark.parametrize("command", ["opt-out", "delete"])
async def test_what_somebody_typed_themselves_goes_with_what_is_held_about_them(home, command):
    await home.watch()
    await home.alice.send(home.general, GOOD)
    for member in (home.alice, home.maya):
        await member.slash(home.general, "sentiment", text=BAD)
    answer = await home.alice.slash(home.general, f"privacy {command}")
    if command == "delete":
        await home.alice.click(answer.response, label="Delete")
    (left,) = home.bot.services.recent_texts._texts.values()
    assert left.author_ids == {home.maya.id}


async def test_why_asks_again_whether_its_author_may_be_read(home, backend):
    staff = home.guild.create_role("staff")
    answer = await check(home, await home.alice.send(home.general, BAD))
    home.env.backend.add_member_role(home.guild.id, home.alice.id, staff.id)
    await home.monitor("exempt role", role=staff)
    batches = backend.batches
    assert await why(home, answer) == UNREAD_PERSON
    assert backend.batches == batches
    await home.monitor("include role", role=staff)
    assert await why(home, answer) == "Why negative?"
    await home.monitor("exempt channel", channel=home.general)
    assert await why(home, answer) == UNREAD_PLACE


async def test_why_does_not_tell_of_somebody_who_opts_out_while_it_is_computed(home, monkeypatch):
    answer = await check(home, await home.alice.send(home.general, BAD))
    kind = type(home.bot.services.classifier)
    explain = kind.explain

    async def meanwhile(self, *text, **options):
        explanation = await explain(self, *text, **options)
        await home.storage.opt_outs.add(home.alice.id)
        return explanation

    monkeypatch.setattr(kind, "explain", meanwhile)
    assert await why(home, answer) == UNREAD_PERSON


@pytest.mark.parametrize("many", [False, True])
async def test_why_forgets_a_message_that_is_deleted(home, many):
    message = await home.alice.send(home.general, BAD)
    answer = await check(home, message)
    if many:
        home.env.backend.bulk_delete_messages(home.general.id, [message.id])
        await home.env.settle()
    else:
        await home.alice.delete(message)
    assert await why(home, answer) == FORGOTTEN


# ---- everything that it says


async def test_a_message_of_embeds_alone_is_read(home):
    hook = home.guild.create_webhook(home.general)
    message = await hook.send("", embeds=[discord.Embed(title="Review", description=BAD)])
    assert said(await check(home, message)) == "Negative"


async def test_a_forwarded_embed_is_read(home):
    other = home.guild.create_text_channel("other")
    original = await home.guild.create_webhook(other).send("", embeds=[discord.Embed(description=BAD)])
    assert said(await check(home, await home.maya.forward(original, home.general))) == "Negative"


async def test_a_poll_is_read_with_its_answers(home):
    backend = home.env.backend
    poll = Poll("so?", [PollAnswer(1, BAD), PollAnswer(2, "so terrible")], backend.iso_after(3600))
    backend.create_message(home.general.id, home.alice.id, "", poll=poll)
    await home.env.settle()
    answer = await check(home, home.general.last_message)
    assert said(answer) == "Negative"
    assert await why(home, answer) == "Why negative?"


async def test_a_message_of_components_alone_is_read(home):
    bot = home.guild.add_member(home.env.create_user("other-bot", bot=True))
    home.env.backend.create_message(
        home.general.id, bot.id, components=[{"type": 17, "components": [{"type": 10, "content": BAD}]}], flags=1 << 15
    )
    await home.env.settle()
    assert said(await check(home, home.general.last_message)) == "Negative"


async def test_what_has_no_words_is_named_and_the_model_is_not_asked(home, backend):
    sticker = home.guild.create_sticker("wave")
    sent = [MessageSticker(sticker.id, "wave", 1, home.guild.id)]
    home.env.backend.create_message(home.general.id, home.alice.id, "", stickers=sent)
    await home.env.settle()
    message = home.general.last_message
    batches = backend.batches
    assert said(await check(home, message)) == "That's a sticker without words, so there's nothing to read."
    assert backend.batches == batches


async def test_a_thread_that_the_bot_cannot_see_is_left_unread_where_a_place_is_exempt(home):
    thread = home.env.backend.create_thread(home.general.id, "t", home.maya.id, broadcast=False)
    inside = ChannelHandle(home.env, home.guild, thread)
    home.env.backend.create_message(thread.id, home.alice.id, BAD, broadcast=False)
    (message,) = inside.history()
    assert said(await check(home, message, at=inside)) == "Negative"
    await home.monitor("exempt channel", channel=home.general)
    assert said(await check(home, message, at=inside)) == UNREAD_PLACE
