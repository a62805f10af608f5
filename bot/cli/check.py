"""`vibecheck check`: is everything in order, one line each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
import discord

from bot.app.connecting import NO_DISCORD, WRONG_TOKEN
from bot.app.open_model import open_classifier
from bot.app.runtime import bot_token
from bot.permissions import SWITCH_ON_CONTENT, invite_permissions
from bot.settings import Settings, SettingsError, load_settings, settings_file
from model import ModelError, ModelInfo
from model.backends.engine import is_installed
from model.backends.processor import has_amx
from model.installation import needs_extra
from model.text.languages import names_of

_PROBE = "what a wonderful day"
_NETWORK_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    good: bool
    detail: str

    def __str__(self) -> str:
        return f"{'✓' if self.good else '✗'} {self.name}: {self.detail}"


async def check() -> list[Finding]:
    """Checks settings, model, token and intents; what depends on something broken is left out."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return [Finding("settings", False, str(error))]
    return [
        Finding("settings", True, f"all fine, from {_origin()}; files go to {settings.data_dir}"),
        await _check_model(settings),
        *await _check_discord(settings),
    ]


def _origin() -> str:
    file = settings_file()
    return "the environment" if file is None else f"{file} and the environment"


async def _check_model(settings: Settings) -> Finding:
    try:
        async with await open_classifier(settings) as classifier:
            verdict = await classifier.classify(_PROBE)
            info = classifier.info
    except ModelError as error:
        return Finding("model", False, str(error))
    where = f"{info.source}, version {info.version}, {info.backend} on {info.device}"
    if info.fallback:
        return Finding("model", False, f"{info.fallback} It is {where}.")
    languages = f", in {', '.join(names_of(info.languages))}" if info.languages else ""
    reads = f"reads “{_PROBE}” as {verdict.sentiment} ({verdict.confidence:.0%}){languages}"
    return Finding("model", True, f"{where}; {reads}{_speed_words(settings, info)}")


def _speed_words(settings: Settings, info: ModelInfo) -> str:
    """What was tried when the backend was chosen, or what could be installed to have a choice that pays here."""
    if info.attempts:
        return f"; tried were {'; '.join(map(str, info.attempts))}"
    if settings.backend == "auto" and info.backend == "onnxruntime" and has_amx() and not is_installed("openvino"):
        needed = needs_extra("this processor multiplies in tiles (AMX); what uses that", "openvino")
        return f"; {needed} The first start after that finds out whether it's faster here"
    return ""


async def _check_discord(settings: Settings) -> list[Finding]:
    try:
        application = await _application(settings)
    except SettingsError as error:
        return [Finding("token", False, str(error))]
    return [
        Finding("token", True, f"it belongs to {application.name}"),
        _check_intents(application),
    ]


def _check_intents(application: discord.AppInfo) -> Finding:
    """Whether Discord will show the bot what messages say; a bot in few servers has a flag of its own."""
    flags = application.flags
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Finding("intents", True, "message content is on, so /monitor works")
    return Finding(
        "intents", False, f"message content is off: commands work, /monitor doesn't. Turn it on {SWITCH_ON_CONTENT}."
    )


def invite_link(client_id: int) -> str:
    """The link that adds the bot to a server: its commands, and no permission it does not need.

    What it needs, and for what, is in `bot.permissions`.
    """
    return discord.utils.oauth_url(client_id, permissions=invite_permissions(), scopes=("bot", "applications.commands"))


def user_install_link(client_id: int) -> str:
    """The link that adds the commands to one's own account, usable everywhere."""
    link = discord.utils.oauth_url(client_id, scopes=("applications.commands",))
    return f"{link}&integration_type=1"


async def application_id(settings: Settings) -> int:
    """The id of the token's application. Raises SettingsError in one sentence when it cannot be had."""
    try:
        return (await _application(settings)).id
    except SettingsError as error:
        raise SettingsError(f"{error} Or give --client-id.") from None


async def _application(settings: Settings) -> discord.AppInfo:
    """What the token belongs to. Raises SettingsError in one sentence when it cannot be had."""
    token = bot_token(settings)
    try:
        async with asyncio.timeout(_NETWORK_SECONDS), discord.Client(intents=discord.Intents.none()) as client:
            await client.login(token)
            return await client.application_info()
    except discord.LoginFailure:
        raise SettingsError(WRONG_TOKEN) from None
    except (aiohttp.ClientError, OSError, discord.HTTPException):
        raise SettingsError(NO_DISCORD) from None
