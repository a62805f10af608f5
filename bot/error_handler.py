"""What a person reads when something went wrong. Never a traceback, never the text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.i18n import gettext
from bot.link.aside import step_aside, thinks_in_public
from bot.link.traffic import traffic_of
from bot.presentation.error_words import NOT_HERE, SORRY
from bot.storage.patience import somebody_waits

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


_UPDATES = {discord.InteractionResponseType.deferred_message_update, discord.InteractionResponseType.message_update}
"""How a button is acknowledged that changes the message it is under."""

TOO_LATE = {10003, 10004, 10008, 10015, 10062, 40060, 50027}
"""Channel, server or message deleted, token unknown, interaction expired, already answered, token over.

By these Discord says that nobody waits for an answer any more. Every answer comes here with what it fails with.
"""

_ALREADY_ANSWERED = 40060


async def apologise(interaction: discord.Interaction[Any], name: str, error: Exception) -> None:
    """Says in one sentence, to the asker alone, that `name` failed, whether or not it was acknowledged yet.

    Logs the kind of the error only: the message of an exception may hold somebody's words.
    """
    if isinstance(error, discord.HTTPException) and error.code in TOO_LATE:
        _log.info("the answer to %s came too late (%s)", name, error.code)
        return
    if interaction.client.is_closed():
        _log.info("the answer to %s came after the end", name)
        return
    _log.error("%s failed: %s", name, type(error).__name__)
    try:
        if interaction.response.type in _UPDATES:  # what "the original response" is then was there before
            await interaction.followup.send(gettext(SORRY), ephemeral=True)
        elif thinks_in_public(interaction):
            await step_aside(interaction, gettext(SORRY))
        elif interaction.response.is_done():
            await interaction.edit_original_response(content=gettext(SORRY), embed=None, view=None)
        else:
            await _answer_with_sorry(interaction)
    except Exception as failure:  # the connection may be gone as well
        _log.info("nor could that be said: %s", type(failure).__name__)


async def _answer_with_sorry(interaction: discord.Interaction[Any]) -> None:
    """An answer that failed may have arrived all the same; one that nothing would follow is filled in."""
    try:
        await interaction.response.send_message(gettext(SORRY), ephemeral=True)
    except discord.HTTPException as error:
        if error.code != _ALREADY_ANSWERED:
            raise
        shown = await interaction.original_response()
        if shown.flags.loading:
            await interaction.edit_original_response(content=gettext(SORRY), embed=None, view=None)


def apologising(
    name: str,
) -> Callable[
    [Callable[[_T, discord.Interaction[Any]], Coroutine[Any, Any, None]]],
    Callable[[_T, discord.Interaction[Any]], Coroutine[Any, Any, None]],
]:
    """For a button's callback, whose errors discord.py would log with their traceback and message: see `apologise`."""

    def decorate(
        callback: Callable[[_T, discord.Interaction[Any]], Coroutine[Any, Any, None]],
    ) -> Callable[[_T, discord.Interaction[Any]], Coroutine[Any, Any, None]]:
        @wraps(callback)
        async def guarded(button: _T, interaction: discord.Interaction[Any]) -> None:
            somebody_waits()
            try:
                await callback(button, interaction)
            except Exception as error:
                await apologise(interaction, name, error)

        return guarded

    return decorate


def is_in_server(interaction: discord.Interaction[Any]) -> bool:
    """Whether it comes from a server that the bot is in; `interaction.guild` is made up for any other."""
    return interaction.guild_id is not None and interaction.client.get_guild(interaction.guild_id) is not None


def _for_servers(command: app_commands.Command[Any, ..., Any] | app_commands.ContextMenu | None) -> bool:
    root = command.root_parent if isinstance(command, app_commands.Command) else None
    return (root or command).guild_only if command is not None else False


class ErrorHandlingTree(app_commands.CommandTree[discord.Client]):
    """Turns whatever escapes a command into one sentence for the person and the kind of error for the log."""

    async def interaction_check(self, interaction: discord.Interaction[discord.Client], /) -> bool:
        """Whether a command that is for servers was used in one that the bot is in.

        Here each command begins, in a task of its own, and with it somebody's waiting.

        Somebody who has added the commands to their own account can use them anywhere, with whatever permissions they
        have there. Of a server where it is not the bot would be told nothing, also not when it has to forget it.
        """
        somebody_waits()
        traffic_of(interaction).begun(interaction)
        if not _for_servers(interaction.command) or is_in_server(interaction):
            return True
        if interaction.type is not discord.InteractionType.autocomplete:
            try:
                await interaction.response.send_message(gettext(NOT_HERE), ephemeral=True)
            except Exception as error:
                await apologise(interaction, "a command from elsewhere", error)
        return False

    async def on_error(
        self, interaction: discord.Interaction[discord.Client], error: app_commands.AppCommandError, /
    ) -> None:
        """Apologises for a command; one that was not allowed has been answered by its own check."""
        if isinstance(error, app_commands.CheckFailure) and interaction.response.is_done():
            traffic_of(interaction).refused(interaction)
            return
        traffic_of(interaction).failed(interaction)
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        await apologise(interaction, interaction.command.name if interaction.command else "?", cause)
