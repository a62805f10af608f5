"""What an admin points at: the whole server, a category, a channel, a thread or a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import discord

from bot.channels import ChannelOption, Watchable, kind_of
from bot.commands.monitor.errors import NOT_SEEN, UNKNOWN_CHANNEL, Refused
from bot.domain.records import Rule, TargetKind
from bot.i18n import N_, gettext


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """What a rule is to be about; `name` is its mention, or a name where there is none; `channel` for what is one."""

    kind: TargetKind
    id: int
    name: str
    channel: Watchable | None = None

    @property
    def holds_channels(self) -> bool:
        """Whether it is a server or a category."""
        return self.kind in {TargetKind.SERVER, TargetKind.CATEGORY}


def must_see(channel: ChannelOption) -> None:
    """Nobody has a channel watched, or learns whether it is, that they cannot see themselves. Raises Refused."""
    if not channel.permissions.view_channel:
        raise Refused(gettext(NOT_SEEN))


def the_server(guild: discord.Guild) -> RuleTarget:
    """The whole server."""
    return RuleTarget(TargetKind.SERVER, guild.id, _bold(guild.name))


def the_channel(guild: discord.Guild, channel: ChannelOption | int) -> RuleTarget:
    """A channel, category or thread, by an option or an id. Raises Refused for one that the bot cannot watch."""
    number = channel if isinstance(channel, int) else channel.id
    known = guild.get_channel_or_thread(number)
    if known is None:
        raise Refused(gettext(UNKNOWN_CHANNEL))
    if not isinstance(known, Watchable):
        raise Refused(gettext("{place} isn't a channel people write in.", place=known.mention))
    if isinstance(known, discord.Thread) and known.parent is None:
        raise Refused(gettext(UNKNOWN_CHANNEL))
    name = _bold(known.name) if isinstance(known, discord.CategoryChannel) else known.mention
    return RuleTarget(kind_of(known), known.id, name, known)


def the_role(role: discord.Role) -> RuleTarget:
    """A role. Raises Refused for @everyone."""
    if role.is_default():
        raise Refused(gettext("Everyone has that role. `/monitor disable` with `whole_server` stops watching."))
    return RuleTarget(TargetKind.ROLE, role.id, role.mention)


def about(what: RuleTarget, sentences: Mapping[TargetKind, str], **values: object) -> str:
    """The sentence for what it is about, which is `{place}` in it; what is said of a channel is said of a thread."""
    kind = TargetKind.CHANNEL if what.kind is TargetKind.THREAD else what.kind
    return gettext(sentences[kind], place=what.name, **values)


def named(guild: discord.Guild, rule: Rule) -> str:
    """What a rule is about, as it is named in a list; categories cannot be linked to."""
    if rule.target_kind is TargetKind.SERVER:
        return gettext("the whole server")
    if rule.target_kind is TargetKind.ROLE:
        return f"<@&{rule.target_id}>"
    channel = guild.get_channel_or_thread(rule.target_id)
    if isinstance(channel, discord.CategoryChannel):
        return gettext("the category {place}", place=_bold(channel.name))
    if isinstance(channel, Watchable):
        return channel.mention
    return gettext(_GONE[rule.target_kind], id=rule.target_id)


_GONE = {
    TargetKind.CATEGORY: N_("a category I can't see, or that's gone (`{id}`)"),
    TargetKind.CHANNEL: N_("a channel I can't see, or that's gone (`{id}`)"),
    TargetKind.THREAD: N_("a thread I can't see, or that's gone (`{id}`)"),
}


def _bold(name: str) -> str:
    return f"**{discord.utils.escape_markdown(name)}**"
