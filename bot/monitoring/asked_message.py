"""A message that somebody has pointed at: whose words are in it, and whether they may be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord

from bot.channels import WithMessages
from bot.i18n import N_, gettext
from bot.monitoring.forwards import original_of
from bot.monitoring.member_roles import MemberRoles
from bot.monitoring.message_words import shown_message
from bot.monitoring.reading_gate import Barred, ReadingFor, ReadingGate, Written

# Translators: One sentence for several reasons, on purpose: nobody may learn from it which one it is.
UNREAD_PERSON = N_(
    "I won't read this message. Some people don't want me to read theirs, or this server's admins don't. It's "
    "nothing personal."
)
"""One sentence for all reasons that lie with a person, so that it tells nobody which one it is."""

UNREAD_PLACE = N_("I won't read this message: this server's admins keep me out of where it was written.")

MOST_FORWARDS = 3
"""How often something may have been forwarded until nobody asks any more whose it is."""

_PLACES = {Barred.EXEMPT_PLACE, Barred.UNKNOWN_CHANNEL}


class AskedMessage:
    """Holds nothing of what the message says. Made by `find`."""

    def __init__(self, gate: ReadingGate, asker_id: int, written: Sequence[Written], guilds: Sequence[object]) -> None:
        self._gate = gate
        self._asker_id = asker_id
        self._written = list(written)
        self._guilds = guilds

    @classmethod
    async def find(
        cls, gate: ReadingGate, interaction: discord.Interaction[Any], message: discord.Message
    ) -> AskedMessage:
        """Looks at whose words a message holds: its author's, and those of whoever wrote what is forwarded in it.

        Of a forwarded message Discord says where it comes from, but not of whom; it is looked up where the bot may see
        that place. Where it may not, the one who forwarded it answers for it.
        """
        shown = shown_message(message)
        here = interaction.channel if not isinstance(shown.channel, WithMessages) else shown.channel
        found = [shown]
        while len(found) <= MOST_FORWARDS and found[-1].message_snapshots:
            forwarded = await original_of(interaction.client.get_channel, found[-1])
            if forwarded is None:
                break
            found.append(forwarded)
        written = [Written.of(one, channel=here if one is shown else None) for one in found]
        return cls(gate, interaction.user.id, written, [one.guild for one in found])

    @property
    def author_ids(self) -> frozenset[int]:
        """Whose words are in it."""
        return frozenset(one.author_id for one in self._written)

    def refused(self) -> str | None:
        """Why it is not read, as one sentence, with the roles that are known; None: it may be."""
        for written in self._written:
            barred = self._gate.ruling(written, ReadingFor.ASKED, asker_id=self._asker_id).barred
            if barred is not None:
                return gettext(UNREAD_PLACE if barred in _PLACES else UNREAD_PERSON)
        return None

    async def refusal(self) -> str | None:
        """The same, with the roles that people have now, where it depends on them."""
        for place, (written, guild) in enumerate(zip(self._written, self._guilds, strict=True)):
            unknown = replace(written, roles=None)
            barred = self._gate.ruling(unknown, ReadingFor.ASKED, asker_id=self._asker_id).barred
            if barred is Barred.ROLES_UNKNOWN and isinstance(guild, discord.Guild):
                roles = await MemberRoles(guild, most=1).of_user(written.author_id)
                self._written[place] = replace(written, roles=roles)
        return self.refused()
