"""The permissions that the bot asks for, by the names that Discord's own pages have."""

import discord
import pytest

from bot import permissions
from bot.permissions import INVITED_WITH, SEND_IN_THREADS, Need, for_reporting, for_watching, invite_permissions

DISCORDS_NAMES = {
    "View Channel",
    "Connect",
    "Send Messages",
    "Send Messages in Threads",
    "Create Posts",
    "Read Message History",
    "Add Reactions",
    "Embed Links",
    "Manage Threads",
    "Attach Files",
}


def test_every_permission_is_called_as_where_it_is_to_be_clicked():
    needs = [value for value in vars(permissions).values() if isinstance(value, Need)]
    assert {need.name for need in needs} == DISCORDS_NAMES
    assert all(hasattr(discord.Permissions, need.flag) for need in needs)


KINDS = {
    "text": (discord.TextChannel, 0),
    "announcement": (discord.TextChannel, 5),
    "voice": (discord.VoiceChannel, 2),
    "stage": (discord.StageChannel, 13),
    "forum": (discord.ForumChannel, 15),
    "media": (discord.ForumChannel, 16),
}


def channel_of(kind, bot):
    """A channel that nobody has seen, with a server around it."""
    made, number = KINDS[kind]
    guild = discord.Guild(data={"id": "1"}, state=bot._connection)  # type: ignore[typeddict-item]
    data = {"id": "2", "type": number, "name": kind, "position": 0, "permission_overwrites": []}
    return made(state=bot._connection, guild=guild, data=data | {"bitrate": 1, "user_limit": 0})


def lacking(needs):
    """Those that somebody who used the invite link has not given."""
    granted = invite_permissions()
    return [need.name for need in needs if not getattr(granted, need.flag)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_invite_asks_for_all_that_watching_and_tagging_need_in_every_kind_of_channel(bot, kind):
    needs = for_watching(channel_of(kind, bot), tagging=True)
    assert len(needs) >= 4
    assert lacking(needs) == []


@pytest.mark.parametrize("kind", ["text", "voice"])
def test_the_invite_asks_for_all_that_threads_and_the_mod_channel_need(bot, kind):
    assert lacking((*for_reporting(channel_of(kind, bot)), SEND_IN_THREADS)) == []


def test_the_invite_asks_for_what_is_needed_and_no_more():
    granted = invite_permissions()
    assert all(getattr(granted, need.flag) for need in INVITED_WITH)
    unwanted = {"administrator", "manage_guild", "manage_messages", "manage_channels", "mention_everyone"}
    assert not unwanted & {name for name, given in granted if given}
