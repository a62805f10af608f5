"""`/privacy`: what is held about whoever asks, and their say over it. Nobody can ask about anybody else."""

from __future__ import annotations

import asyncio
import io
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands.privacy_report import as_file, as_json, in_words
from bot.error_handler import apologise
from bot.presentation.text import count
from bot.storage.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from bot.client import Vibecheck
    from bot.domain.records import Held
    from bot.storage.open_storage import Storage

DELETE = "Delete"
LATER = "Please try again in a few minutes."
UNREADABLE = f"My database does not answer, so I cannot see what is kept about you. Nothing has changed. {LATER}"
NOTHING = "There is nothing about you to delete."
NOT_DELETED = (
    "My database does not answer, so what it holds about you is still there. What was not written yet is gone, and "
    "what you wrote until now is not read again. Please press the button again in a few minutes."
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
IN = "You are in again: what you write from now on is read in channels that a server's admins watch."
NEVER_OUT = "You had not opted out, so nothing changes."
STILL_OUT = f"My database does not answer, so you are still opted out and nothing has changed. {LATER}"


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
@app_commands.allowed_installs(guilds=True, users=True)
class PrivacyCog(
    commands.GroupCog, group_name="privacy", group_description="What is kept about you, and your say in it"
):
    """See, export, delete, opt out and opt in; each for the one who asks, and answered to them alone."""

    def __init__(self, bot: Vibecheck, mood: Storage) -> None:
        super().__init__()
        self.bot = bot
        self.mood = mood

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
            held = await _held(self.mood, interaction.user.id)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=UNREADABLE)
            return
        if held.messages or held.hours or held.admin_actions:
            question = _question(held, self.bot.settings.retention_days)
            await interaction.edit_original_response(content=question, view=_delete_view())
        else:
            await interaction.edit_original_response(content=NOTHING)

    @app_commands.command(name="opt-out", description="Never have your messages read, in any server this bot is in")
    async def opt_out(self, interaction: discord.Interaction[Any]) -> None:
        """In force at once, whatever the database does; then what there is goes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        said = [OUT]
        try:
            await self.mood.opt_outs.add(interaction.user.id)
        except DatabaseUnavailable:
            said.append(OUT_UNTIL_RESTART)
        try:
            said.append(_removed(await _forget(self.mood, interaction)))
        except DatabaseUnavailable:
            said.append(OUT_UNDELETED if OUT_UNTIL_RESTART in said else OUT_NOT_DELETED)
        await interaction.edit_original_response(content=" ".join(said))

    @app_commands.command(name="opt-in", description="Take back that you opted out")
    async def opt_in(self, interaction: discord.Interaction[Any]) -> None:
        """In force once it is written; until then they are out."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        said = IN if self.mood.opt_outs.includes(interaction.user.id) else NEVER_OUT
        try:
            await self.mood.opt_outs.remove(interaction.user.id)
        except DatabaseUnavailable:
            said = STILL_OUT if said is IN else NEVER_OUT
        await interaction.edit_original_response(content=said)

    async def _tell(self, interaction: discord.Interaction[Any], *, words: bool) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            held = await _held(self.mood, interaction.user.id)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=UNREADABLE)
            return
        opted_out, days = self.mood.opt_outs.includes(interaction.user.id), self.bot.settings.retention_days

        def write() -> tuple[str, bytes]:
            text = as_json(interaction.user.id, held, opted_out=opted_out, days=days, now=time.time())
            return as_file(text, interaction.filesize_limit)

        name, data = await asyncio.to_thread(write)  # a month of somebody's messages may be tens of thousands of lines
        content = in_words(held, opted_out=opted_out, days=days) if words else "Everything that is kept about you:"
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

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Deletes and says how much; when that fails, the button stays."""
        try:
            await self._delete(interaction)
        except Exception as error:  # discord.py would log it with its traceback and message
            await apologise(interaction, "privacy delete", error)

    async def _delete(self, interaction: discord.Interaction[Any]) -> None:
        bot: Vibecheck = interaction.client
        if bot.mood is None:
            await interaction.response.send_message(NOTHING, ephemeral=True)
            return
        await interaction.response.defer()
        try:
            removed = await _forget(bot.mood, interaction)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=NOT_DELETED, view=_delete_view())
            return
        await interaction.edit_original_response(content=_removed(removed), view=None)


async def _held(mood: Storage, user_id: int) -> Held:
    """Everything about one person, with what was not written yet. Raises DatabaseUnavailable."""
    await mood.buffer.flush()
    return await mood.store.held_about(mood.identity.authors(user_id))


async def _forget(mood: Storage, interaction: discord.Interaction[Any]) -> int:
    """Removes everything about whoever asks up to now. Raises DatabaseUnavailable."""
    with suppress(DatabaseUnavailable):  # only so that messages that wait are counted, too
        await mood.buffer.flush()
    return await mood.buffer.forget(mood.identity.authors(interaction.user.id), interaction.id)


def _delete_view() -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(DeleteButton())
    return view


def _question(held: Held, days: int) -> str:
    admin = f", and takes you off {count(len(held.admin_actions), 'thing')} you did as an admin"
    return (
        f"This removes the scores of {count(len(held.messages), 'message')} of yours and takes them out of the sums of "
        f"their hours{admin if held.admin_actions else ''}. It cannot be undone. Sums of hours more than "
        f"{count(days, 'day')} ago stay, for nobody is in them any more. Whether you opted out stays as it is."
    )


def _removed(messages: int) -> str:
    if not messages:
        return "There was no score of a message of yours; whatever else was held about you is removed."
    return f"Removed: the scores of {count(messages, 'message')}, and whatever else was held about you."
