"""`/about`: what answers, and what is kept."""

from __future__ import annotations

import discord
from discord import app_commands
from discord.ext import commands

from bot.presentation import palette
from bot.presentation.text import count
from bot.services import Feature, Services
from bot.settings import Settings

NO_TEXT = (
    "Message text: never, neither on disk nor in logs. A text you ask about stays in memory for at most 15 minutes, "
    "so that **Why?** can answer."
)
STORED = (
    "Where a server's admins watch a channel: of each message its id, place and hour, its score, and who wrote it as a "
    "keyed hash, for {days}; then only sums of each hour, with nobody in them.\n"
    "Besides: what admins have set and done, who opted out as a hash, and of feedback on an answer its labels, score "
    "and model version.\n"
    "`/privacy` shows, exports and deletes what is kept about you, and opts you out."
)
_SHOW_FILES = ("https://github.com/", "https://gitlab.com/")
"""Where a file of a repository is under its address as blob/HEAD/..."""


def setup(services: Services) -> Feature:
    """The command."""
    return Feature(name="/about", cogs=(AboutCog(services),))


class AboutCog(commands.Cog):
    """Says what this bot is."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="What answers you, and what is stored")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def about(self, interaction: discord.Interaction) -> None:
        """Model, version, storage and links, to the asker alone."""
        info, settings = self.services.classifier.info, self.services.settings
        embed = discord.Embed(
            title="Vibecheck",
            description="I read the mood of a text with a DistilBERT that runs on my operator's own machine. "
            "No text leaves it.",
            colour=palette.BRAND,
        )
        named = f"{info.source}, version `{info.version}`\n{info.backend} on {info.device}"
        embed.add_field(name="Model", value=f"{named}\n{info.fallback}".strip()[:1024])
        if info.metrics:
            figures = "\n".join(f"{name.replace('_', ' ')}: {value:.3f}" for name, value in info.metrics.items())
            embed.add_field(name="Measured", value=figures[:1024])
        kept = STORED.format(days=count(settings.retention_days, "day"))
        embed.add_field(name="What is stored", value=f"{NO_TEXT}\n{kept}", inline=False)
        links = {"Source": settings.source_url, "Support": settings.support_url, "Privacy": policy_url(settings)}
        given = [f"[{name}]({url})" for name, url in links.items() if url]
        if given:
            embed.add_field(name="Links", value=" · ".join(given), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)


def policy_url(settings: Settings) -> str:
    """PRIVACY_URL, or the page that comes with the source code where that is; empty when neither is known."""
    source = settings.source_url.rstrip("/")
    if settings.privacy_url or not source.startswith(_SHOW_FILES):
        return settings.privacy_url
    return f"{source}/blob/HEAD/docs/privacy.md"
