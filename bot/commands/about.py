"""`/about`: what answers, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping

import discord
from discord import app_commands
from discord.ext import commands

from bot.i18n import N_, gettext, ngettext, pgettext
from bot.i18n.formats import listed
from bot.presentation import palette
from bot.services import Feature, Services
from bot.settings import Settings
from model import BUNDLED, ModelInfo

NO_TEXT = N_(
    "**Your messages: never.** Not on disk, not in logs. A text you ask about stays in memory for up to 15 minutes, so "
    "that **Why?** works."
)
STORED = (
    N_(
        "**Also:** settings and admin actions, a scrambled id of everyone who opted out, and ratings of my answers "
        "(label, score and model version, no name)."
    ),
    N_("`/privacy` shows, exports or deletes what's kept about you, and lets you opt out."),
)
_TESTED = {
    "tweet_eval_test_accuracy": N_("**{right} of 100** tweets"),
    "twitch_test_accuracy": N_("**{right} of 100** Twitch chat messages"),
    "imdb_test_accuracy": N_("**{right} of 100** film reviews"),
}
"""The figures of a model that mean something to people, and of what; on a validation's texts it was tuned."""

_SHOW_FILES = ("https://github.com/", "https://gitlab.com/")
"""Where a file of a repository is under its address as blob/HEAD/..."""


def setup(services: Services) -> Feature:
    """The command."""
    return Feature(name="/about", cogs=(AboutCog(services),))


class AboutCog(commands.Cog):
    """Says what this bot is."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(description="About this bot and your data")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.allowed_installs(guilds=True, users=True)
    async def about(self, interaction: discord.Interaction) -> None:
        """Model, version, storage and links, to the asker alone."""
        info, settings = self.services.classifier.info, self.services.settings
        embed = discord.Embed(
            title="Vibecheck",
            description=_where(elsewhere=settings.scores_elsewhere),
            colour=palette.BRAND,
        )
        if (how_good := tested_words(info.metrics)) is not None:
            embed.add_field(name=gettext("How good is it?"), value=how_good, inline=False)
        kept = (gettext(NO_TEXT), _kept_for(settings.retention_days), *map(gettext, STORED))
        embed.add_field(name=gettext("What I keep"), value="\n".join(kept), inline=False)
        embed.add_field(name=gettext("Model"), value=_model_words(info)[:1024], inline=False)
        links = {
            pgettext("link", "Source"): settings.source_url,
            pgettext("link", "Support"): settings.support_url,
            pgettext("link", "Privacy"): policy_url(settings),
        }
        given = [f"[{name}]({url})" for name, url in links.items() if url]
        if given:
            embed.add_field(name=gettext("Links"), value=" · ".join(given), inline=False)
        await interaction.response.send_message(embed=embed, ephemeral=True)


def _where(*, elsewhere: bool) -> str:
    if elsewhere:
        return gettext(
            "I tell you how a text sounds: positive, neutral or negative. My model (a DistilBERT) runs on another "
            "machine that my operator has chosen: texts are sent there to be scored, and not kept."
        )
    return gettext(
        "I tell you how a text sounds: positive, neutral or negative. My model (a DistilBERT) runs on my "
        "operator's own machine, and no text leaves it."
    )


def tested_words(metrics: Mapping[str, float]) -> str | None:
    """How often a model is right about texts that it was not trained on; None where that is not known."""
    right = [
        gettext(texts, right=round(100 * metrics[name]))
        for name, texts in _TESTED.items()
        if 0 <= metrics.get(name, -1) <= 1
    ]
    if not right:
        return None
    return gettext(
        "On texts it never trained on, it's right about {shares}. Sarcasm and inside jokes still fool it.",
        shares=listed(right),
    )


def _kept_for(days: int) -> str:
    return ngettext(
        "**In channels that admins let me watch:** for each message its id, place, hour and score, and a scrambled "
        "author id, for {count:,} day. After that only hourly totals, not linked to anyone.",
        "**In channels that admins let me watch:** for each message its id, place, hour and score, and a scrambled "
        "author id, for {count:,} days. After that only hourly totals, not linked to anyone.",
        days,
    )


def _model_words(info: ModelInfo) -> str:
    """What answers, and whether it is another than should; a reason is said as whatever failed has put it."""
    named = gettext(
        "{source}, version `{version}`, with {backend} on {device}",
        source=info.source,
        version=info.version,
        backend=info.backend,
        device=info.device,
    )
    if info.missed is None:
        return named
    if info.source == BUNDLED:
        instead = gettext(
            "I couldn't get {model} ({reason}); the bundled model is running instead.",
            model=info.missed.source,
            reason=info.missed.reason,
        )
    else:
        instead = gettext(
            "I couldn't get {model} ({reason}); {other}, the last good one on disk, is running instead.",
            model=info.missed.source,
            reason=info.missed.reason,
            other=info.source,
        )
    return f"{named}\n{instead}"


def policy_url(settings: Settings) -> str:
    """PRIVACY_URL, or the page that comes with the source code where that is; empty when neither is known."""
    source = settings.source_url.rstrip("/")
    if settings.privacy_url or not source.startswith(_SHOW_FILES):
        return settings.privacy_url
    return f"{source}/blob/HEAD/docs/privacy.md"
