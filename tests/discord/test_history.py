"""An admin has the history read over the wire: the answer goes on by itself, the reading also after a restart."""

from datetime import timedelta

import pytest

from bot.app.connecting import EX_OK
from bot.demo.history_pages import teach_pages
from bot.demo.local_discord import LocalDiscord
from tests.discord.wire import ANSWER, add_admin, build_world, matching, online_bot, until

pytestmark = [pytest.mark.process, pytest.mark.slow]

PEOPLE, TEXT = 5, "what a lovely quiet evening"
SECONDS = 120.0
"""The job looks every ten seconds, and one request a second is made."""

teach_pages()


async def test_the_answer_goes_on_by_itself_and_the_reading_after_a_restart(tmp_path):
    async with LocalDiscord() as local:
        world, clock = build_world(local), local.clock
        admin, guild = add_admin(world), world.alice.guild
        people = [guild.add_member(local.create_user(f"person{number}")) for number in range(PEOPLE)]
        for days in (4, 3):
            clock.set_back(timedelta(days=days))
            for person in people:
                local.backend.create_message(world.channel.id, person.id, TEXT, broadcast=False)
        clock.set_back(timedelta(days=2))
        async with online_bot(local, tmp_path) as bot:
            said = await admin.slash(world.channel, "monitor enable")
            assert said.response.content.startswith("Now watching")
        assert bot.process.returncode == EX_OK
        clock.set_back(timedelta())

        async with online_bot(local, tmp_path):
            begun = await admin.slash(world.channel, "monitor backfill", days=7)
            assert begun.response.content.startswith("I'm reading the last 7 days of 1 channel.")

        async with online_bot(local, tmp_path):
            looked = await admin.slash(world.channel, "monitor backfill")
            await until(lambda: str(looked.response.content).startswith("I've read 7 days of history"), SECONDS)
            assert looked.response.content.endswith(f"of {world.channel.mention} were filled in; charts mark them.")
            status = await admin.slash(world.channel, "monitor status")
            assert "I've read 7 days of history: 10 messages." in str(status.response.embeds[0].description)
            assert len(matching(local.requests, "PATCH", ANSWER)) >= 4
