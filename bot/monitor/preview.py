"""`/monitor preview`: what the tags would have been, for whoever asks alone. Nothing of it is kept."""

from __future__ import annotations

import discord

from bot.answer import EMOJI, confidence_in_words
from bot.monitor.lists import cut
from bot.monitor.refusals import Refused
from bot.monitor.targets import Pointed
from bot.mood.records import GuildSettings, Mode, TargetKind
from bot.quoting import excerpt
from bot.watching.cog import WatchingCog
from bot.watching.permissions import HISTORY, NO_CONTENT, VIEW, missing, what_to_click
from bot.watching.places import WithMessages
from bot.watching.reader import is_from_a_person
from bot.watching.tagging import tag_for
from model import ModelError, Verdict

MESSAGES = 20
_EXCERPT, _LIST = 60, 4000


async def preview(
    watching: WatchingCog, member: discord.Member, what: Pointed, settings: GuildSettings
) -> discord.Embed:
    """Reads a channel's last messages and says what each would have been. Raises Refused."""
    channel = what.channel
    if not isinstance(channel, WithMessages):
        raise Refused("Choose one channel or thread in which messages stand.")
    if not watching.content_seen:
        raise Refused(NO_CONTENT)
    theirs = channel.permissions_for(member)
    if not (theirs.view_channel and theirs.read_message_history):
        raise Refused(f"You may not read {what.name} yourself, so I do not show you what is written there.")
    lacking = missing(channel, (VIEW, HISTORY))
    if lacking:
        raise Refused(f"There is nothing to show: {what_to_click(channel, lacking)}")
    messages = await _last_messages(watching, channel)
    verdicts = await watching.bot.classifier.classify_many(
        [message.content for message in messages], origin=channel.guild.id
    )
    pairs = list(zip(messages, verdicts, strict=True))
    lines = [_line(message, verdict, settings) for message, verdict in pairs]
    tagged = sum(isinstance(verdict, Verdict) and tag_for(verdict, settings) is not None for _, verdict in pairs)
    embed = discord.Embed(
        title=f"The last messages in #{channel.name}"[:256],
        description=cut(lines, _LIST) or "There is no message here that I would read.",
        colour=0x0072B2,
    )
    embed.add_field(
        name=f"{tagged} of {len(lines)} would have been tagged",
        value=f"{settings.positive_reaction} and {settings.negative_reaction}, from {settings.reaction_floor / 10:g} % "
        "on. Messages of bots, of exempt roles and of people who opted out are left out. Nothing of this is kept.",
        inline=False,
    )
    return embed


async def _last_messages(watching: WatchingCog, channel: WithMessages) -> list[discord.Message]:
    """The last messages that would be read if the channel were watched, the oldest first."""
    try:
        found = [message async for message in channel.history(limit=MESSAGES) if is_from_a_person(message)]
        exempt = await _exempt(watching, channel.guild, {message.author.id for message in found})
    except discord.HTTPException as error:
        raise Refused(f"I could not read {channel.mention} (Discord says: {error.text}).") from None
    return [message for message in reversed(found) if message.author.id not in exempt and message.content.strip()]


async def _exempt(watching: WatchingCog, guild: discord.Guild, user_ids: set[int]) -> set[int]:
    """Those who are not read: they opted out, or have an exempt role, which old messages do not say."""
    out = {user_id for user_id in user_ids if watching.mood.opt_outs.includes(user_id)}
    rules = watching.register.rules(guild.id)
    exempt = {number for (kind, number), rule in rules.items() if kind is TargetKind.ROLE and rule.mode is Mode.EXEMPT}
    if exempt:
        for user_id in user_ids - out:
            try:
                member = await guild.fetch_member(user_id)
            except discord.NotFound:
                out.add(user_id)  # who has left has no roles that could tell
                continue
            if any(role.id in exempt for role in member.roles):
                out.add(user_id)
    return out


def _line(message: discord.Message, verdict: Verdict | ModelError, settings: GuildSettings) -> str:
    words = excerpt(message.content, _EXCERPT)
    if not isinstance(verdict, Verdict):
        return f"▫️ [not read]({message.jump_url}): {words}"
    tag = tag_for(verdict, settings)
    sure = f"{confidence_in_words(verdict.confidence)}, {verdict.confidence:.0%}"
    found = f"{EMOJI[verdict.sentiment]} [{verdict.sentiment}]({message.jump_url}) ({sure})"
    return f"{found} → {tag}: {words}" if tag else f"{found}: {words}"
