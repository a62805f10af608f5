"""Who may use what, and where: people whom nothing about roles or the bot's own servers tells of."""

import simcord
from simcord import interactions
from simcord.enums import AppCommandType, InteractionType, OptionType

ELSEWHERE, ITS_CHANNEL = "123456789012345678", "223456789012345678"


async def test_a_command_of_ones_own_account_answers_in_a_server_where_the_bot_is_not(home):
    backend = home.env.backend
    command = backend.find_command("sentiment", None, type=AppCommandType.CHAT_INPUT)
    record, payload = interactions.base_payload(
        backend,
        type=InteractionType.APPLICATION_COMMAND,
        channel_id=home.general.id,
        guild_id=home.guild.id,
        user_id=home.alice.id,
        data={
            "id": command["id"],
            "name": command["name"],
            "type": command["type"],
            "options": [{"name": "text", "type": OptionType.STRING, "value": "I love it"}],
        },
    )
    payload |= {
        "guild_id": ELSEWHERE,
        "guild": {"id": ELSEWHERE, "locale": "en-US", "features": []},
        "channel_id": ITS_CHANNEL,
        "channel": {**payload["channel"], "id": ITS_CHANNEL, "guild_id": ELSEWHERE},
        "context": 0,
        "authorizing_integration_owners": {"1": str(home.alice.id)},
        "app_permissions": "0",
    }
    backend.emit("INTERACTION_CREATE", payload)
    await home.env.settle()
    assert simcord.InteractionResult(home.env, record).response.components


async def test_the_owner_of_a_server_needs_no_role(env, storage):
    owner = env.create_user("olga")
    guild = env.create_guild("Hers", owner=owner)
    channel = guild.create_text_channel("general")
    answer = await simcord.MemberActor(env, guild, owner).slash(channel, "monitor enable")
    assert "Now watching" in answer.response.content


async def test_what_admins_have_set_for_a_command_in_the_integrations_outlives_a_registration(home):
    """Discord keeps that by the command's id, and the id by its name."""
    command = home.env.backend.find_command("monitor", None, type=AppCommandType.CHAT_INPUT)
    await home.bot.tree.sync()
    assert home.env.backend.find_command("monitor", None, type=AppCommandType.CHAT_INPUT)["id"] == command["id"]
