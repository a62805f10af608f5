"""Whose share of the model an answer takes."""

from __future__ import annotations

from typing import Any

import discord


def origin_of(interaction: discord.Interaction[Any]) -> int:
    """The server's id, elsewhere the person's."""
    return interaction.guild_id or interaction.user.id
