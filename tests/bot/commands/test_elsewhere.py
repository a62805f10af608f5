"""Commands used in a server where the bot is not, by whoever has them in their own account and is admin there."""

from itertools import product

import discord
import pytest
import simcord
from discord import app_commands
from simcord import interactions
from simcord.enums import AppCommandType, InteractionType, OptionType

from bot.presentation.error_words import NOT_HERE
from bot.storage.schema import Base, GuildSettingsRow
from tests.bot.storage.scenes import rows_of

ELSEWHERE, ITS_CHANNEL, ITS_ROLE = "123456789012345678", "223456789012345678", "323456789012345678"
EVERYTHING = str(discord.Permissions.all().value)
CHANNEL = {
    "id": ITS_CHANNEL, "type": 0, "name": "x", "permissions": EVERYTHING, "guild_id": ELSEWHERE, "position": 0,
    "permission_overwrites": [], "nsfw": False, "topic": None, "parent_id": None, "last_message_id": None,
    "rate_limit_per_user": 0,
}  # fmt: skip
ROLE = {
    "id": ITS_ROLE, "name": "staff", "color": 0, "colors": {"primary_color": 0}, "hoist": False, "position": 1,
    "permissions": "0", "managed": False, "mentionable": False, "flags": 0,
}  # fmt: skip
WORDS = {
    "timezone": "Europe/Berlin",
    "positive_emoji": "🌟",
    "negative_emoji": "🌧️",
    "since": "7 days",
    "text": "I love it",
    "when": "yesterday 18:00",
    "mark": "patch 2.4",
    "languages": "en",
    "url": "https://discord.com/api/webhooks/123456789012345678/" + "t" * 68,
}
PERSONAL = {"privacy see", "privacy export", "privacy delete", "privacy opt-out", "privacy opt-in"}
"""What somebody has a say in wherever they are; it writes what is theirs, and nothing of a server."""


def every_command(tree):
    """All that can be typed: the words of the command, what Discord calls the first of them, and its options."""
    for command in tree.walk_commands(type=discord.AppCommandType.chat_input):
        if isinstance(command, app_commands.Command):
            yield command.qualified_name, command


def some_value(parameter):
    """A value for an option that would change something."""
    if parameter.choices:
        return parameter.choices[-1].value
    kind = parameter.type
    if kind is discord.AppCommandOptionType.channel:
        return ITS_CHANNEL
    if kind is discord.AppCommandOptionType.role:
        return ITS_ROLE
    if kind is discord.AppCommandOptionType.boolean:
        return True
    if kind is discord.AppCommandOptionType.integer:
        return int(parameter.min_value or 0) + 1
    return WORDS[parameter.name]


def options_of(command, *, all_of_them):
    return [
        {"name": one.name, "type": OptionType(one.type.value), "value": some_value(one)}
        for one in command.parameters
        if one.required or all_of_them
    ]


async def use(home, command, options, *, member=None, context=0, guild=ELSEWHERE):
    """Alice uses the command there; the requests that the bot made because of it, and the answer."""
    backend = home.env.backend
    first, *below = command.qualified_name.split()
    registered = backend.find_command(first, None, type=AppCommandType.CHAT_INPUT)
    for name in reversed(below):
        options = [{"name": name, "type": 1, "options": options}]
    record, payload = interactions.base_payload(
        backend,
        type=InteractionType.APPLICATION_COMMAND,
        channel_id=home.general.id,
        guild_id=home.guild.id,
        user_id=home.alice.id,
        data={
            "id": registered["id"],
            "name": first,
            "type": registered["type"],
            "options": options,
            "resolved": {"channels": {ITS_CHANNEL: CHANNEL}, "roles": {ITS_ROLE: ROLE}},
        },
    )
    payload |= {
        "guild_id": guild,
        "guild": {"id": guild, "locale": "en-US", "features": []},
        "channel_id": ITS_CHANNEL,
        "channel": CHANNEL,
        "member": {**payload["member"], "permissions": EVERYTHING},
        "context": context,
        "authorizing_integration_owners": {"1": str(home.alice.id)},
        "app_permissions": "0",
    }
    if guild is None:
        payload["user"] = payload["member"]["user"]
        for name in ("guild_id", "guild", "member"):
            del payload[name]
    backend.emit("INTERACTION_CREATE", payload)
    await home.env.settle()
    return simcord.InteractionResult(home.env, record)


async def everything_written(storage):
    """All rows of all tables, but those that say that the bot is alive."""
    await storage.write_buffer.flush()
    tables = [table for table in Base.metadata.sorted_tables if table.name not in ("bookkeeping", "signs_of_life")]
    async with storage.database.read() as connection:
        return {table.name: sorted(map(repr, await connection.execute(table.select()))) for table in tables}


async def test_no_command_writes_anything_for_a_server_where_the_bot_is_not(home, bot, storage):
    """An admin of that server, who has the commands in their own account, gives every option, and none."""
    before = await everything_written(storage)
    tried = 0
    for (name, command), all_of_them in product(every_command(bot.tree), (True, False)):
        sent = len(home.env.http_requests)
        answer = await use(home, command, options_of(command, all_of_them=all_of_them))
        assert answer.acknowledged and not answer.followups, name
        if name.split()[0] in {"monitor", "mood"}:
            assert (answer.response.content, answer.response.ephemeral) == (NOT_HERE, True), name
            assert len(home.env.http_requests) == sent + 1, name  # nothing was asked or done because of it
        if name not in PERSONAL:
            assert await everything_written(storage) == before, name
        tried += 1
    assert tried >= 2 * 20


async def test_what_one_has_a_say_in_names_no_server(home, bot, storage):
    """Opting out is for everywhere, also from elsewhere."""
    for name, command in every_command(bot.tree):
        if name in PERSONAL:
            await use(home, command, [])
    written = await everything_written(storage)
    assert not any(ELSEWHERE in row or ITS_CHANNEL in row for rows in written.values() for row in rows)


@pytest.mark.parametrize("context", [1, 2])
async def test_a_command_for_servers_is_refused_in_a_conversation(home, bot, context):
    """Discord does not offer it there; somebody may ask for it all the same."""
    for name, command in every_command(bot.tree):
        if name.split()[0] in {"monitor", "mood"}:
            answer = await use(home, command, options_of(command, all_of_them=False), context=context, guild=None)
            assert answer.response.content == NOT_HERE, name


async def test_the_same_commands_are_taken_where_the_bot_is(home):
    assert "Europe/Berlin" in await home.monitor("settings", timezone="Europe/Berlin")
    assert await rows_of(home.storage.database, GuildSettingsRow)


def test_commands_for_servers_are_not_offered_to_accounts(bot):
    for command in bot.tree.get_commands(type=discord.AppCommandType.chat_input):
        if command.guild_only:
            payload = command.to_dict(bot.tree)
            assert payload["integration_types"] == [0], command.name
