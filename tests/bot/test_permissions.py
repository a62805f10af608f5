"""The permissions that the bot asks for, by the names that Discord's own pages have."""

import discord

from bot import permissions
from bot.permissions import INVITED_WITH, Need, invite_permissions

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


def test_the_invite_asks_for_what_is_needed_and_no_more():
    granted = invite_permissions()
    assert all(getattr(granted, need.flag) for need in INVITED_WITH)
    unwanted = {"administrator", "manage_guild", "manage_messages", "manage_channels", "mention_everyone"}
    assert not unwanted & {name for name, given in granted if given}
