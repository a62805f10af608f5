"""`/privacy`: what is held about whoever asks, and their say over it. Nobody can ask about anybody else."""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.commands.privacy_report import as_file, as_json, in_words
from bot.error_handler import apologising
from bot.presentation.text import as_time, count
from bot.services import Feature, Services, personal_data_of, services_of
from bot.storage.erasure_log import KEPT_DAYS
from bot.storage.errors import DatabaseUnavailable, ErasureWaits
from bot.storage.people_repository import read_opt_out
from bot.storage.personal_data import Holding, PersonalData, erasers
from bot.storage.schema import OptOutRow
from model.concurrency import in_thread

DELETE = "Delete"
LATER = "Please try again in a few minutes."
UNREADABLE = f"My database does not answer, so I cannot see what is kept about you. Nothing has changed. {LATER}"
NOTHING = "There is nothing about you to delete."
NOT_DELETED = (
    "My database does not answer, so what it holds about you is still there. What was not written yet is gone, and "
    "what you wrote until now is not read again. Please press the button again in a few minutes."
)
DELETION_NOTED = (
    "My database does not answer, so what it holds about you is still there. Your request is noted: it goes as soon as "
    "my database answers, also after a restart. What was not written yet is gone, and what you wrote until now is not "
    "read again."
)
OUT = "You have opted out: none of your messages is read from now on, in any server. `/privacy opt-in` takes it back."
OUT_UNTIL_RESTART = (
    "My database does not answer, so I would forget this when I am restarted: please use `/privacy opt-out` again in a "
    "few minutes."
)
OUT_UNDELETED = "What it holds about you from before is still there until then."
OUT_NOT_DELETED = (
    "What my database holds about you from before could not be deleted: please use `/privacy delete` in a few minutes."
)
OUT_DELETED_LATER = "What my database holds about you from before goes as soon as it answers; your request is noted."
IN = "You are in again: what you write from now on is read in channels that a server's admins watch."
NEVER_OUT = "You had not opted out, so nothing changes."
STILL_OUT = f"My database does not answer, so you are still opted out and nothing has changed. {LATER}"


def setup(services: Services) -> Feature:
    """The group of commands and its button. What opting out keeps of somebody stays: it is kept for their sake."""
    opt_outs = services.storage.opt_outs

    async def read(connection: AsyncConnection, authors: Sequence[bytes]) -> OptOut:
        noted = tuple((entry.time, entry.kind) for entry in services.storage.erasures.about(authors))
        return OptOut(any(author in opt_outs for author in authors), await read_opt_out(connection, authors), noted)

    kept = PersonalData(
        tables=(OptOutRow,),
        read=read,
        lines=lambda held, _: held.lines,
        entries=lambda held: {
            "opted_out": held.in_force,
            "opted_out_since": as_time(held.since),
            "requests_noted": [{"noted": as_time(when), "request": kind} for when, kind in held.noted],
        },
        deletion=lambda _: "",
        erase=None,
    )
    return Feature(name="/privacy", cogs=(PrivacyCog(services),), buttons=(DeleteButton,), personal_data=(kept,))


@dataclass(frozen=True, slots=True)
class OptOut:
    """Whether somebody is not read, and since when that is written down, in seconds since the Unix epoch.

    `noted` are their requests that are noted outside the database, with the times.
    """

    in_force: bool
    since: int | None
    noted: tuple[tuple[int, str], ...] = ()

    @property
    def lines(self) -> list[str]:
        """It, as the person reads it."""
        unwritten = "- You have opted out, but it could not be written down: please use `/privacy opt-out` once more."
        said = [unwritten if self.in_force else "- You have not opted out."]
        if self.since is not None:
            said = [f"- You opted out on <t:{self.since}:D>: none of your messages is read."]
        if self.noted:
            said.append(
                f"- {count(len(self.noted), 'note')} that you had your data deleted, opted out or opted in, so that "
                f"putting a backup back does not undo it. Each goes after {count(KEPT_DAYS, 'day')}."
            )
        return said


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
@app_commands.allowed_installs(guilds=True, users=True)
class PrivacyCog(
    commands.GroupCog, group_name="privacy", group_description="What is kept about you, and your say in it"
):
    """See, export, delete, opt out and opt in; each for the one who asks, and answered to them alone."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.opt_outs = services.storage.opt_outs

    @app_commands.command(description="Everything that is kept about you, in words and as a file")
    async def see(self, interaction: discord.Interaction[Any]) -> None:
        """Words, and the JSON."""
        await self._tell(interaction, words=True)

    @app_commands.command(description="Everything that is kept about you, as a JSON file")
    async def export(self, interaction: discord.Interaction[Any]) -> None:
        """The JSON alone."""
        await self._tell(interaction, words=False)

    @app_commands.command(description="Remove what is kept about you")
    async def delete(self, interaction: discord.Interaction[Any]) -> None:
        """Says what there is; it goes when the button is pressed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            held = await _held(interaction)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=UNREADABLE)
            return
        if any(one.deletion for one in held):
            question = _question(held, self.services.settings.retention_days)
            await interaction.edit_original_response(content=question, view=_delete_view())
        else:
            await interaction.edit_original_response(content=NOTHING)

    @app_commands.command(name="opt-out", description="Never have your messages read, in any server this bot is in")
    async def opt_out(self, interaction: discord.Interaction[Any]) -> None:
        """In force at once, whatever the database or Discord does; then what there is goes."""
        adding = asyncio.ensure_future(self.opt_outs.add(interaction.user.id))
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
        except BaseException:
            with suppress(DatabaseUnavailable):
                await adding
            raise
        said = [OUT]
        try:
            await adding
        except DatabaseUnavailable:
            said.append(OUT_UNTIL_RESTART)
        try:
            said.append(_removed(await _forget(interaction)))
        except ErasureWaits:
            said.append(OUT_DELETED_LATER)
        except DatabaseUnavailable:
            said.append(OUT_UNDELETED if OUT_UNTIL_RESTART in said else OUT_NOT_DELETED)
        await interaction.edit_original_response(content=" ".join(said))

    @app_commands.command(name="opt-in", description="Take back that you opted out")
    async def opt_in(self, interaction: discord.Interaction[Any]) -> None:
        """In force once it is written; until then they are out."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        said = IN if self.opt_outs.includes(interaction.user.id) else NEVER_OUT
        try:
            await self.opt_outs.remove(interaction.user.id, interaction.id)
        except DatabaseUnavailable:
            said = STILL_OUT if said is IN else NEVER_OUT
        await interaction.edit_original_response(content=said)

    async def _tell(self, interaction: discord.Interaction[Any], *, words: bool) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            held = await _held(interaction)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=UNREADABLE)
            return
        days = self.services.settings.retention_days

        def write() -> tuple[str, bytes]:
            text = as_json(interaction.user.id, held, days=days, now=time.time())
            return as_file(text, interaction.filesize_limit)

        name, data = await in_thread(write)  # a month of somebody's messages may be tens of thousands of lines
        content = in_words(held, days) if words else "Everything that is kept about you:"
        file = discord.File(io.BytesIO(data), filename=name)
        await interaction.edit_original_response(content=content, attachments=[file])


class DeleteButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template="privacy:delete"):
    """Deletes what is held about whoever presses it, so that nothing needs to be known about whose it is."""

    def __init__(self) -> None:
        style = discord.ButtonStyle.danger
        super().__init__(discord.ui.Button(label=DELETE, style=style, custom_id="privacy:delete"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """There is only one."""
        return cls()

    @apologising("privacy delete")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Deletes and says how much; when that fails, the button stays."""
        await interaction.response.defer()
        try:
            removed = await _forget(interaction)
        except ErasureWaits:
            await interaction.edit_original_response(content=DELETION_NOTED, view=None)
            return
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=NOT_DELETED, view=_delete_view())
            return
        await interaction.edit_original_response(content=_removed(removed), view=None)


async def _held(interaction: discord.Interaction[Any]) -> tuple[Holding[Any], ...]:
    """Everything about whoever asks, with what was not written yet. Raises DatabaseUnavailable."""
    storage = services_of(interaction).storage
    await storage.write_buffer.flush()
    authors = storage.pseudonyms.authors(interaction.user.id)
    return await storage.people.held(authors, personal_data_of(interaction))


async def _forget(interaction: discord.Interaction[Any]) -> int:
    """Removes everything about whoever asks up to now. Raises DatabaseUnavailable."""
    services_of(interaction).recent_texts.forget_author(interaction.user.id)
    storage = services_of(interaction).storage
    with suppress(DatabaseUnavailable):  # only so that messages that wait are counted, too
        await storage.write_buffer.flush()
    authors = storage.pseudonyms.authors(interaction.user.id)
    kept, key = personal_data_of(interaction), storage.pseudonyms.fingerprint
    removed = await storage.write_buffer.forget(authors, interaction.id, erasers(kept), key=key)
    for one in kept:
        if one.erased is not None:
            one.erased()
    return removed


def _delete_view() -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(DeleteButton())
    return view


def _question(held: Sequence[Holding[Any]], days: int) -> str:
    done = ", and ".join(one.deletion for one in held if one.deletion)
    return (
        f"This {done}. It cannot be undone. Sums of hours more than {count(days, 'day')} ago stay, for nobody is in "
        "them any more. Whether you opted out stays as it is."
    )


def _removed(messages: int) -> str:
    if not messages:
        return "There was no score of a message of yours; whatever else was held about you is removed."
    return f"Removed: the scores of {count(messages, 'message')}, and whatever else was held about you."
