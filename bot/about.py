"""`/about`: what answers, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

if TYPE_CHECKING:
    from bot.client import Vibecheck

STORED = (
    "Message text: never, neither on disk nor in logs. A text you ask about stays in memory for at most 15 minutes, "
    "so that **Why?** can answer. On disk: only a hash of my own command list."
)


class AboutCog(commands.Cog):
    """Says what this bot is."""

    def __init__(self, bot: Vibecheck) -> None:
        self.bot = bot

    @app_commands.command(description="What answers you, and what is stored")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def about(self, interaction: discord.Interaction) -> None:
        """Model, version, storage and links, to the asker alone."""
        info, settings = self.bot.classifier.info, self.bot.settings
        embed = discord.Embed(
            title="Vibecheck",
            description="I read the mood of a text with a DistilBERT that runs on my operator's own machine. "
            "No text leaves it.",
            colour=0x5865F2,
        )
        embed.add_field(name="Model", value=f"{info.source}, version `{info.version}`\n{info.backend} on {info.device}")
        if info.metrics:
            figures = "\n".join(f"{name.replace('_', ' ')}: {value:.3f}" for name, value in info.metrics.items())
            embed.add_field(name="Measured", value=figures[:1024])
        embed.add_field(name="What is stored", value=STORED, inline=False)
        links = {"Source": settings.source_url, "Support": settings.support_url, "Privacy": settings.privacy_url}
        given = [f"[{name}]({url})" for name, url in links.items() if url]
        if given:
            embed.add_field(name="Links", value=" · ".join(given), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)
