"""What people have decided, and the buttons that were there, outlive the process."""

import pytest

from bot.app.connecting import EX_OK
from bot.commands.privacy import IN, NEVER_OUT, OUT
from bot.demo.local_discord import LocalDiscord
from bot.ui.feedback_buttons import THANKS
from tests.discord.wire import build_world, online_bot

TEXT = "what a lovely quiet evening"


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def world(local):
    return build_world(local)


async def test_an_opt_out_and_the_buttons_of_an_answer_are_known_after_a_restart(local, world, tmp_path):
    async with online_bot(local, tmp_path) as bot:
        answer = await world.ask(TEXT)
        out = await world.alice.slash(world.channel, "privacy opt-out")
        assert out.response.content.startswith(OUT)
        assert out.response.ephemeral
    assert bot.process.returncode == EX_OK
    async with online_bot(local, tmp_path) as bot:
        seen = await world.alice.slash(world.channel, "privacy see")
        assert "You opted out on" in seen.response.content
        assert [file.filename for file in seen.response.attachments] == ["privacy.json"]
        (which,) = (await world.alice.click(answer.response, label="Wrong")).followups
        await world.alice.select(which, ["1"])
        assert THANKS in [message.content for message in world.channel.history(viewer=world.alice)]
        assert [await said(world, "opt-in"), await said(world, "opt-in")] == [IN, NEVER_OUT]
        assert bot.said == ""


async def said(world, command):
    return (await world.alice.slash(world.channel, f"privacy {command}")).response.content
