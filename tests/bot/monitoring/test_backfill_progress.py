"""Whoever has the history read sees their answer go on to say how far that is."""

import pytest

from bot.commands.monitor import backfill_progress
from bot.domain.backfill import BackfillState
from bot.i18n import speaking
from tests.bot.parts import overwrite

ANSWER = "/messages/@original"


@pytest.fixture
def progress(home):
    """The bot's own, which its job works."""
    return next(
        cog.backfill_progress
        for feature in home.bot.features
        for cog in feature.cogs
        if hasattr(cog, "backfill_progress")
    )


@pytest.fixture
async def asked(home, past):
    """A server with ten messages of the past in two days, and the answer to an admin who has them read."""
    past.talk(3)
    past.talk(5)
    await past.told()
    return await home.adam.slash(home.general, "monitor backfill", days=7)


def edits(home):
    return [one.json["content"] for one in home.env.http_requests if one.method == "PATCH" and ANSWER in one.path]


async def read_until(past, home, messages):
    """Goes on until so many messages are counted."""
    backfills = past.watch.backfills
    while (await backfills.of(home.guild.id)).messages < messages:
        await backfills._step(backfills._runs[0])


async def test_the_answer_edits_itself_and_ends_with_what_was_filled_in(home, past, progress, asked):
    begun = asked.response.content
    assert begun.startswith("I'm reading the last 7 days of 1 channel.")
    await progress.work(0)
    assert edits(home)[-1].startswith(f"{begun}\nReading 7 days of history: channel 1 of 1, 0 messages so far.")
    await read_until(past, home, 5)
    await progress.work(0)
    assert "5 messages so far" in edits(home)[-1]
    before = len(edits(home))
    await progress.work(0)
    assert len(edits(home)) == before
    await past.work()
    await progress.work(0)
    ended = edits(home)[-1]
    assert ended.startswith("I've read 7 days of history: 10 messages. ")
    assert ended.endswith(f"hours of {home.general.mention} were filled in; charts mark them.")
    assert ended in await home.monitor("status")
    assert await home.monitor("backfill") == ended
    await past.away.pass_by(25 * 3600)
    assert "of history" not in await home.monitor("status")


async def test_nobody_is_told_of_a_channel_that_they_cannot_see(home, past, progress):
    secret = home.guild.create_text_channel("secret")
    await home.env.settle()
    for channel in (home.general, secret):
        past.talk(3, channel=channel)
    await home.watch(secret)
    await past.told()
    await overwrite(home.env, secret, home.adam, view_channel=False)
    await home.adam.slash(home.general, "monitor backfill", days=7)
    await past.work(60)
    await progress.work(0)
    ended = edits(home)[-1]
    assert "I've read 7 days of history: 10 messages." in ended
    assert home.general.mention in ended
    assert secret.mention not in ended


async def test_it_says_where_to_look_when_discord_takes_no_more_edits(home, past, progress, asked):
    await progress.work(0)
    past.away.clock.go_on(backfill_progress.LASTING_SECONDS)
    await progress.work(0)
    assert edits(home)[-1].endswith("I can't update this any longer: `/monitor status` shows how far I am.")
    before = len(edits(home))
    await past.work()
    await progress.work(0)
    assert len(edits(home)) == before
    assert "I've read 7 days" in await home.monitor("status")


async def test_the_time_in_which_a_command_was_worked_at_counts(home, past, progress, asked):
    """Discord counts from when it was asked."""
    first = progress._answers[home.guild.id, home.adam.id]
    await past.away.pass_by(300)
    progress.follow(first.interaction, first.admin, first.said, keep=True)
    past.away.clock.go_on(backfill_progress.LASTING_SECONDS - 299)
    await progress.work(0)
    assert edits(home)[-1].endswith("I can't update this any longer: `/monitor status` shows how far I am.")


async def test_what_fails_in_passing_is_said_by_the_next_edit_and_a_dismissed_answer_is_left_alone(
    home, past, progress, asked
):
    home.env.inject_error("PATCH", f"/webhooks/*{ANSWER}", status=400, code=40004, times=1)
    await progress.work(0)
    await progress.work(0)
    assert "0 messages so far" in asked.response.content
    await read_until(past, home, 5)
    home.env.inject_error("PATCH", f"/webhooks/*{ANSWER}", status=404, code=10008, times=1)
    await progress.work(0)
    before = len(edits(home))
    await past.work()
    await progress.work(0)
    assert len(edits(home)) == before


async def test_paused_and_stopped_are_said_too_and_a_second_answer_takes_the_place_of_the_first(
    home, past, progress, asked
):
    await home.monitor("backfill", do="pause")
    await progress.work(0)
    assert asked.response.content.startswith("I'm reading the last 7 days")
    before = len(edits(home))
    await home.monitor("backfill", do="resume")
    await progress.work(0)
    await home.monitor("backfill", do="stop")
    await progress.work(0)
    assert len(edits(home)) == before + 2  # what the two commands answered themselves
    assert await past.state() is BackfillState.STOPPED


async def test_of_many_answers_only_so_many_are_edited_in_a_run_each_in_its_turn(
    home, past, progress, asked, monkeypatch
):
    monkeypatch.setattr(backfill_progress, "AT_ONCE", 1)
    first = progress._answers[home.guild.id, home.adam.id]
    progress.follow(first.interaction, first.admin, "said by another", keep=True)
    progress._answers = {(home.guild.id, number): first for number in (1, 2)}
    before = len(edits(home))
    await progress.work(0)
    assert list(progress._answers) == [(home.guild.id, 2), (home.guild.id, 1)]
    assert len(edits(home)) == before + 1


async def test_it_speaks_the_language_of_whoever_asked(home, past, progress, asked):
    first = progress._answers[home.guild.id, home.adam.id]
    with speaking("de"):
        progress.follow(first.interaction, first.admin, "", keep=False)
    await progress.work(0)
    assert edits(home)[-1].startswith("Ich lese 7 Tage Verlauf")
