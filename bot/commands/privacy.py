"""`/privacy`: what is held about whoever asks, and their say over it. Nobody can ask about anybody else."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.commands.privacy_opt_outs import opt_out_data
from bot.commands.privacy_report import as_file, as_json, in_words
from bot.error_handler import apologising
from bot.i18n import N_, gettext, ngettext
from bot.presentation.lists import in_messages
from bot.services import Feature, Services, personal_data_of, services_of
from bot.storage.errors import DatabaseUnavailable, ErasureWaits
from bot.storage.personal_data import Holding, erasers
from bot.ui.static_item import StaticItem
from model.concurrency import in_thread

# Translators: A button: delete everything.
DELETE = N_("Delete")
UNREADABLE = N_(
    "My database isn't responding, so I can't see what I have about you. Nothing has changed. Please try again in a "
    "few minutes."
)
NOTHING = N_("I have nothing about you, so there's nothing to delete.")
NOT_DELETED = N_(
    "My database isn't responding, so what it has about you is still there. What I hadn't saved yet is gone, and I "
    "won't read your messages up to now again. Please press the button again in a few minutes."
)
DELETION_NOTED = N_(
    "My database isn't responding, so what it has about you is still there. I've noted your request: I'll delete it "
    "as soon as my database is back, even after a restart. What I hadn't saved yet is gone, and I won't read your "
    "messages up to now again."
)
OUT = N_(
    "You've opted out: I won't read any of your messages from now on, in any server. `/privacy opt-in` undoes this."
)
# Translators: Follows "You've opted out: I won't read any of your messages from now on, in any server."
OUT_UNTIL_RESTART = N_(
    "My database isn't responding, so I'd forget this on a restart. Please use `/privacy opt-out` again in a few "
    "minutes."
)
# Translators: Follows "My database isn't responding, so I'd forget this on a restart. Please use `/privacy opt-out`
# Translators: again in a few minutes." So "it" is the database, and "then" is when they use the command again.
OUT_UNDELETED = N_("What it has about you from before is still there until then.")
OUT_NOT_DELETED = N_(
    "I couldn't delete what I have about you from before. Please use `/privacy delete` in a few minutes."
)
OUT_DELETED_LATER = N_(
    "I'll delete what I have about you from before as soon as my database is back. Your request is noted."
)
# Translators: `this_server` is an option of the command. Leave names in `backticks` as they are.
OUT_HERE = N_(
    "You've opted out of this server: I won't read any of your messages here. `/privacy opt-in` with `this_server` "
    "undoes this."
)
REMOVED_HERE = N_("I've deleted what I kept about your messages here, and I'll remove my reactions from them.")
IN = N_("You're opted back in. From now on I read your messages in watched channels.")
IN_HERE = N_("You're opted back in here. From now on I read your messages in this server's watched channels.")
NEVER_OUT = N_("You hadn't opted out, so nothing changes.")
STILL_OUT_EVERYWHERE = N_("You're still opted out everywhere: `/privacy opt-in` undoes that.")
STILL_OUT_HERE = N_("You're still opted out of this server: `/privacy opt-in` with `this_server` undoes that.")
WHICH_SERVER = N_("Which server? Use this in the one you mean, or leave `this_server` out for all of them.")
STILL_OUT = N_(
    "My database isn't responding, so you're still opted out and nothing has changed. Please try again in a few "
    "minutes."
)


def setup(services: Services) -> Feature:
    """The group of commands and its button. What opting out keeps of somebody stays: it is kept for their sake."""
    kept = opt_out_data(services)
    return Feature(name="/privacy", cogs=(PrivacyCog(services),), buttons=(DeleteButton,), personal_data=(kept,))


@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
@app_commands.allowed_installs(guilds=True, users=True)
class PrivacyCog(
    commands.GroupCog, group_name="privacy", group_description="What I keep about you, and how to stop it"
):
    """See, export, delete, opt out and opt in; each for the one who asks, and answered to them alone."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self.opt_outs = services.storage.opt_outs

    @app_commands.command(description="See everything I keep about you")
    async def see(self, interaction: discord.Interaction[Any]) -> None:
        """Words, and the JSON."""
        await self._tell(interaction, words=True)

    @app_commands.command(description="Download everything I keep about you (JSON)")
    async def export(self, interaction: discord.Interaction[Any]) -> None:
        """The JSON alone."""
        await self._tell(interaction, words=False)

    @app_commands.command(description="Delete what I keep about you")
    async def delete(self, interaction: discord.Interaction[Any]) -> None:
        """Says what there is; it goes when the button is pressed."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            held = await _held(interaction)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=gettext(UNREADABLE))
            return
        if any(one.deletion for one in held):
            question = _question(held, self.services.settings.retention_days)
            await interaction.edit_original_response(content=question, view=_delete_view())
        else:
            await interaction.edit_original_response(content=gettext(NOTHING))

    @app_commands.command(name="opt-out", description="Stop me from reading your messages, everywhere or only here")
    @app_commands.describe(this_server="Only in this server (otherwise in every server I'm in)")
    async def opt_out(self, interaction: discord.Interaction[Any], this_server: bool = False) -> None:
        """In force at once, whatever the database or Discord does; then what there is goes, there or everywhere."""
        guild_id = interaction.guild_id if this_server else None
        if this_server and guild_id is None:
            await interaction.response.send_message(gettext(WHICH_SERVER), ephemeral=True)
            return
        adding = asyncio.ensure_future(self.opt_outs.add(interaction.user.id, guild_id))
        try:
            await interaction.response.defer(ephemeral=True, thinking=True)
        except BaseException:
            with suppress(DatabaseUnavailable):
                await adding
            raise
        said = [OUT if guild_id is None else OUT_HERE]
        try:
            await adding
        except DatabaseUnavailable:
            said.append(OUT_UNTIL_RESTART)
        done = ""
        try:
            done = await _forget_here(interaction, guild_id) if guild_id else _removed(await _forget(interaction))
        except ErasureWaits:
            said.append(OUT_DELETED_LATER)
        except DatabaseUnavailable:
            said.append(OUT_UNDELETED if OUT_UNTIL_RESTART in said else OUT_NOT_DELETED)
        sentences = [*map(gettext, said), done]
        await interaction.edit_original_response(content=" ".join(filter(None, sentences)))

    @app_commands.command(name="opt-in", description="Undo your opt-out, everywhere or only here")
    @app_commands.describe(this_server="Only in this server")
    async def opt_in(self, interaction: discord.Interaction[Any], this_server: bool = False) -> None:
        """In force once it is written; until then they are out."""
        guild_id = interaction.guild_id if this_server else None
        if this_server and guild_id is None:
            await interaction.response.send_message(gettext(WHICH_SERVER), ephemeral=True)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        user_id = interaction.user.id
        was_out = self.opt_outs.is_out(user_id, guild_id)
        said = (IN if guild_id is None else IN_HERE) if was_out else NEVER_OUT
        try:
            await self.opt_outs.remove(user_id, interaction.id, guild_id)
        except DatabaseUnavailable:
            said = STILL_OUT if was_out else NEVER_OUT
        answer = gettext(said)
        if guild_id is not None and self.opt_outs.is_out(user_id):
            answer = f"{answer} {gettext(STILL_OUT_EVERYWHERE)}"
        elif guild_id is None and interaction.guild_id and self.opt_outs.is_out(user_id, interaction.guild_id):
            answer = f"{answer} {gettext(STILL_OUT_HERE)}"
        await interaction.edit_original_response(content=answer)

    async def _tell(self, interaction: discord.Interaction[Any], *, words: bool) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            held = await _held(interaction)
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=gettext(UNREADABLE))
            return
        days = self.services.settings.retention_days

        def write() -> tuple[str, bytes]:
            text = as_json(interaction.user.id, held, days=days, now=time.time())
            return as_file(text, interaction.filesize_limit)

        name, data = await in_thread(write)  # a month of somebody's messages may be tens of thousands of lines
        said, *more = in_messages(in_words(held, days) if words else gettext("Everything I keep about you:"))
        file = discord.File(io.BytesIO(data), filename=name)
        await interaction.edit_original_response(content=said, attachments=[file])
        for part in more:
            await interaction.followup.send(part, ephemeral=True)


class DeleteButton(StaticItem, discord.ui.DynamicItem[discord.ui.Button[Any]], template="privacy:delete"):
    """Deletes what is held about whoever presses it, so that nothing needs to be known about whose it is."""

    def __init__(self) -> None:
        style = discord.ButtonStyle.danger
        super().__init__(discord.ui.Button(label=gettext(DELETE), style=style, custom_id="privacy:delete"))

    @apologising("privacy delete")
    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Deletes and says how much; when that fails, the button stays."""
        await interaction.response.defer()
        try:
            removed = await _forget(interaction)
        except ErasureWaits:
            await interaction.edit_original_response(content=gettext(DELETION_NOTED), view=None)
            return
        except DatabaseUnavailable:
            await interaction.edit_original_response(content=gettext(NOT_DELETED), view=_delete_view())
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


async def _forget_here(interaction: discord.Interaction[Any], guild_id: int) -> str:
    """Removes what was read of whoever asks in one server, in words. Raises DatabaseUnavailable."""
    services = services_of(interaction)
    services.recent_texts.forget_author(interaction.user.id)
    pseudonyms = services.storage.pseudonyms
    authors = pseudonyms.authors(interaction.user.id)
    await services.storage.write_buffer.forget_in(authors, guild_id, key=pseudonyms.fingerprint)
    for one in personal_data_of(interaction):
        if one.erased is not None:
            one.erased()
    return gettext(REMOVED_HERE)


def _delete_view() -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(DeleteButton())
    return view


def _question(held: Sequence[Holding[Any]], days: int) -> str:
    # Translators: Follows what goes, as in "This removes your name from 3 things you did as an admin."
    what_stays = ngettext(
        "You can't undo it. Hourly totals older than {count:,} day stay, because they aren't linked to anyone. Your "
        "opt-out doesn't change.",
        "You can't undo it. Hourly totals older than {count:,} days stay, because they aren't linked to anyone. Your "
        "opt-out doesn't change.",
        days,
    )
    return " ".join((*filter(None, (one.deletion for one in held)), what_stays))


def _removed(messages: int) -> str:
    if not messages:
        return gettext("I had no scores of your messages. Anything else I had about you is deleted.")
    return ngettext(
        "Deleted: the scores of {count:,} message, and anything else I had about you.",
        "Deleted: the scores of {count:,} messages, and anything else I had about you.",
        messages,
    )
