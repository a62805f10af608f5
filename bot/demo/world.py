"""The made-up server of the demo: its people, its channels, and what they were talking about before you came."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

import discord
from simcord.actors import MemberActor
from simcord.backend.cdn import CDN_BASE
from simcord.builders import ChannelHandle

from bot.alerts.post import alert_post, recovered_post
from bot.demo.avatars import bot_avatar, member_avatar
from bot.demo.conversations import CONVERSATIONS, MODS, NOTICE, NOTICE_MINUTES_AGO, TOPICS, WITH_A_PAST
from bot.demo.history import past_alert
from bot.demo.local_discord import LocalDiscord
from bot.domain.records import HourMood
from bot.domain.snowflake import SECONDS

BOT_NAME = "Vibecheck"
SERVER_NAME = "The Corner Table"


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    shown: str
    colour: int
    """The colour of the name in chat, from the member's role."""
    avatar: tuple[str, str]
    """Two colours, from the upper left to the lower right."""


YOU = _Profile("you", "You", 0x57F287, ("#57f287", "#1f8b4c"))

_PEOPLE = (
    YOU,
    _Profile("maya", "Maya ☀️", 0xFAA61A, ("#ffb347", "#e8590c")),
    _Profile("theo", "theo.exe", 0x3BA9F5, ("#4fc3f7", "#1565c0")),
    _Profile("ines", "Inês", 0xF47FFF, ("#f48fb1", "#ad1457")),
    _Profile("kofi", "Kofi cooks", 0xED4245, ("#ff8a80", "#c62828")),
    _Profile("robin", "r o b i n", 0x9B84EE, ("#b39ddb", "#512da8")),
)


@dataclass(frozen=True, slots=True)
class World:
    """What the page needs to know of the server. The first of `members` is the visitor."""

    guild_id: int
    channels: dict[str, ChannelHandle]
    notices: dict[str, int]
    """The ids of the bot's notices, by the names of those channels that have one."""
    members: tuple[MemberActor, ...]
    avatars: dict[int, bytes]
    """PNG images by user id, the bot's among them."""

    def past(self) -> str:
        """The server and its channels, as `bot.demo.bot_process` wants them to write their past."""
        named = (f"{name}={channel.id}:{self.notices.get(name, 0)}" for name, channel in self.channels.items())
        return f"{self.guild_id}/" + ",".join(named)

    def assets(self) -> dict[str, tuple[str, bytes]]:
        """The avatars as simcord's page asks for them: by address, with a file name."""
        return {_avatar_url(user): (f"{user}.png", image) for user, image in self.avatars.items()}


def build_world(local: LocalDiscord) -> World:
    """Creates the server and its past; afterwards the clock is back in the present."""
    local.clock.set_back(timedelta(days=400))
    bot = local.backend.bot_user
    bot.name, bot.avatar = BOT_NAME, "local"
    users = {
        person.name: local.create_user(person.name, global_name=person.shown, avatar="local") for person in _PEOPLE
    }
    local.rest.owner = users[YOU.name].id
    guild = local.create_guild(SERVER_NAME, owner=users["maya"])
    members: dict[str, MemberActor] = {}
    for position, person in enumerate(_PEOPLE, start=2):
        permissions = discord.Permissions(manage_guild=person is YOU, administrator=person is YOU)
        role = guild.create_role(person.shown, permissions=permissions, color=person.colour, position=position)
        members[person.name] = guild.add_member(users[person.name], roles=[role])
    channels = {name: guild.create_text_channel(name, topic=topic) for name, topic in TOPICS.items()}
    notices = {name: _post_notice(local, channel) for name, channel in channels.items() if name in WITH_A_PAST}
    for name, channel in channels.items():
        _hold_conversation(local, name, channel, members)
    _post_alert(local, guild.id, channels)
    local.clock.set_back(timedelta())
    avatars = {members[person.name].id: member_avatar(person.name[0].upper(), *person.avatar) for person in _PEOPLE}
    return World(guild.id, channels, notices, tuple(members.values()), avatars | {bot.id: bot_avatar()})


def _post_notice(local: LocalDiscord, channel: ChannelHandle) -> int:
    local.clock.set_back(timedelta(minutes=NOTICE_MINUTES_AGO))
    return local.backend.create_message(channel.id, local.backend.bot_user.id, NOTICE).id


def _post_alert(local: LocalDiscord, guild_id: int, channels: dict[str, ChannelHandle]) -> None:
    """What the bot would have posted in the bad evening, in its own words: the alert, and that it is over."""
    now = time.time()
    alert = past_alert(guild_id, channels["general"].id, now)
    assert alert.recovered is not None and alert.acknowledged is not None
    begun: discord.Embed = alert_post(alert)["embed"]
    hour = HourMood(alert.recovered // SECONDS, 0, 20, 0, 0, 0, 9)
    over: discord.Embed = recovered_post(alert, alert.recovered, hour)["embed"]
    for at, embed in ((alert.started, begun), (alert.recovered, over)):
        local.clock.set_back(timedelta(seconds=now - at))
        local.backend.create_message(channels[MODS].id, local.backend.bot_user.id, "", embeds=[dict(embed.to_dict())])


def _hold_conversation(local: LocalDiscord, name: str, channel: ChannelHandle, members: dict[str, MemberActor]) -> None:
    said: list[int] = []
    for line in CONVERSATIONS[name]:
        local.clock.set_back(timedelta(minutes=line.minutes_ago))
        reference = None
        if line.answers is not None:
            reference = {"channel_id": str(channel.id), "message_id": str(said[line.answers])}
            reference = local.backend.normalize_message_reference(channel.id, reference)
        message = local.backend.create_message(channel.id, members[line.author].id, line.text, reference=reference)
        said.append(message.id)
        for emoji, fans in line.reactions.items():
            for fan in fans:
                local.backend.set_reaction(channel.id, message.id, emoji, members[fan].id, True)


def _avatar_url(user_id: int) -> str:
    return f"{CDN_BASE}/avatars/{user_id}/local.png"
