"""What opting out keeps of somebody, as they read it themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.i18n import gettext, ngettext
from bot.presentation.text import after_days, as_id, as_time
from bot.services import Services
from bot.storage.chunks import chunks
from bot.storage.erasure_log import KEPT_DAYS, Kind
from bot.storage.known_places import guilds_known
from bot.storage.people_repository import read_opt_out
from bot.storage.personal_data import PersonalData
from bot.storage.pseudonyms import in_server
from bot.storage.schema import OptOutRow, RequestRow


def opt_out_data(services: Services) -> PersonalData[OptOut]:
    """Nothing of it is deleted: it is kept for their sake."""
    opt_outs = services.storage.opt_outs

    async def read(connection: AsyncConnection, authors: Sequence[bytes]) -> OptOut:
        """A server that somebody opted out of is found by trying: what is kept says neither who nor where."""
        servers, hashes = [], list(authors)
        for guild_id in sorted(await _servers(connection)):
            there = [in_server(author, guild_id) for author in authors]
            hashes += there
            if any(one in opt_outs for one in there):
                servers.append((guild_id, await read_opt_out(connection, there)))
        noted = [(entry.time, str(entry.kind)) for entry in services.storage.erasures.about(set(hashes))]
        if services.storage.leases is not None:  # the log has only what was asked of this process
            noted = sorted({*noted, *await _asked_elsewhere(connection, hashes)})
        everywhere = any(author in opt_outs for author in authors)
        return OptOut(everywhere, await read_opt_out(connection, authors), tuple(noted), tuple(servers))

    async def _servers(connection: AsyncConnection) -> set[int]:
        """Those that the bot is in; of the other processes', where there are some, those of which anything is held."""
        here = {guild.id for guild in services.connection.guilds}
        return here if services.storage.leases is None else here | await guilds_known(connection)

    return PersonalData(
        tables=(OptOutRow, RequestRow),
        read=read,
        lines=lambda held, _: held.lines,
        entries=lambda held: {
            "opted_out": held.in_force,
            "opted_out_since": as_time(held.since),
            "opted_out_of_servers": [
                {"server_id": as_id(number), "since": as_time(since)} for number, since in held.servers
            ],
            "requests_noted": [{"noted": as_time(when), "request": kind} for when, kind in held.noted],
        },
        deletion=lambda _: "",
        erase=None,
    )


async def _asked_elsewhere(connection: AsyncConnection, hashes: Sequence[bytes]) -> list[tuple[int, str]]:
    """When somebody had their data deleted or opted in, whichever process they asked."""
    found = []
    for some in chunks(list(hashes)):
        columns = (RequestRow.noted, RequestRow.erased_to, RequestRow.in_from)
        rows = await connection.execute(select(*columns).where(RequestRow.author.in_(some)))
        found += [(row.noted, str(Kind.ERASED if row.erased_to else Kind.OPTED_IN)) for row in rows]
    return found


@dataclass(frozen=True, slots=True)
class OptOut:
    """Whether somebody is not read, and since when that is written down, in seconds since the Unix epoch.

    `noted` are their requests that are noted outside the database, with the times. `servers` are those that they opted
    out of alone, as far as the bot is in them, with when.
    """

    in_force: bool
    since: int | None
    noted: tuple[tuple[int, str], ...] = ()
    servers: tuple[tuple[int, int | None], ...] = ()

    @property
    def lines(self) -> list[str]:
        """It, as the person reads it."""
        said = [self._everywhere()]
        if self.servers:
            said.append(
                ngettext(
                    "You opted out of {count:,} server alone: I don't read any of your messages there. The file has "
                    "the list.",
                    "You opted out of {count:,} servers alone: I don't read any of your messages there. The file has "
                    "the list.",
                    len(self.servers),
                )
            )
        if self.noted:
            said.append(
                # Translators: {after_days} is "after 30 days".
                ngettext(
                    "{count:,} note that you deleted your data, opted out or opted in, so that restoring a backup "
                    "doesn't undo it. Each is deleted {after_days}.",
                    "{count:,} notes that you deleted your data, opted out or opted in, so that restoring a backup "
                    "doesn't undo it. Each is deleted {after_days}.",
                    len(self.noted),
                    after_days=after_days(KEPT_DAYS),
                )
            )
        return [f"- {line}" for line in said]

    def _everywhere(self) -> str:
        if self.since is not None:
            return gettext("You opted out on <t:{since}:D>: I don't read any of your messages.", since=self.since)
        if self.in_force:
            return gettext("You've opted out, but I couldn't save it: please use `/privacy opt-out` once more.")
        return gettext("You haven't opted out.")
