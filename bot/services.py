"""What features are given, and what a feature brings along. Made in `bot.app`; nothing here knows a feature."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.background_jobs import BackgroundJobs, Job, JobState
from bot.charts.executor import ChartExecutor
from bot.connection import Connection
from bot.domain.recent_texts import RecentTexts
from bot.mod_channel import ModChannels
from bot.presentation.language_words import NAMES, languages_of
from bot.settings import Settings
from bot.storage.open_storage import Storage
from bot.storage.personal_data import PersonalData
from bot.storage.schema import Base
from bot.web.page_state import PageState
from model.any_classifier import AnyClassifier

_Cog = TypeVar("_Cog", bound=commands.Cog)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One of each, for as long as a client lives.

    `content_seen` is whether Discord shows the bot what messages say. What jobs have learned is worked out in a thread
    of its own (`learning`): people who ask for many charts must not keep an alert waiting. The classifier and the
    storage stay their opener's to close.
    """

    settings: Settings
    classifier: AnyClassifier
    storage: Storage
    connection: Connection
    charts: ChartExecutor
    learning: ChartExecutor
    mod_channels: ModChannels
    recent_texts: RecentTexts
    content_seen: bool = True
    page: PageState = field(default_factory=PageState)

    @classmethod
    def over(
        cls,
        connection: Connection,
        settings: Settings,
        classifier: AnyClassifier,
        storage: Storage,
        *,
        content_seen: bool = True,
        page: PageState | None = None,
    ) -> Self:
        """Those of one connection, with threads and a memory of their own."""
        return cls(
            settings=settings,
            classifier=classifier,
            storage=storage,
            connection=connection,
            charts=ChartExecutor("charts"),
            learning=ChartExecutor("learning"),
            mod_channels=ModChannels(connection, storage.guilds.settings),
            recent_texts=RecentTexts(),
            content_seen=content_seen,
            page=page or PageState(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A part of the bot that people can see or that works for them, with its duties.

    `owner_cogs` are for the server in which the bot's owner looks after it. `personal_data` says what is kept about
    people and how they see and delete it, and `drain` waits, for so many seconds at most, for what is in hand, and
    returns how much still is. `warm` loads libraries that somebody would have to wait for otherwise. `counts` is what
    has become of messages since the start, by result, in all servers together, and `unreadable` in which languages were
    those that were not read, by English names. `wants` is whether messages in a language, by its code, are read in a
    server. `impersonal` are the tables in which nobody is, each with the reason
    why. Every table belongs to one feature.
    """

    name: str
    cogs: tuple[commands.Cog, ...] = ()
    owner_cogs: tuple[commands.Cog, ...] = ()
    menus: tuple[app_commands.ContextMenu, ...] = ()
    buttons: tuple[type[discord.ui.DynamicItem[Any]], ...] = ()
    jobs: tuple[Job, ...] = ()
    drain: Callable[[float], Awaitable[int]] | None = None
    warm: Callable[[], None] | None = None
    counts: Callable[[], Mapping[str, int]] | None = None
    unreadable: Callable[[], Mapping[str, int]] | None = None
    wants: Callable[[int, str], bool] | None = None
    personal_data: tuple[PersonalData[Any], ...] = ()
    impersonal: Mapping[type[Base], str] = field(default_factory=dict)


class _Equipped(Protocol):
    services: Services
    features: tuple[Feature, ...]
    jobs: BackgroundJobs


def services_of(interaction: discord.Interaction[Any]) -> Services:
    """For buttons, which are made of their id alone, also after a restart."""
    return cast(_Equipped, interaction.client).services


def cog_of(interaction: discord.Interaction[Any], kind: type[_Cog]) -> _Cog:
    """The cog of that kind, for a feature's own buttons that need more than the services."""
    features = cast(_Equipped, interaction.client).features
    return next(cog for feature in features for cog in feature.cogs if isinstance(cog, kind))


def personal_data_of(interaction: discord.Interaction[Any]) -> tuple[PersonalData[Any], ...]:
    """What all features keep about people, in the order of the features."""
    features = cast(_Equipped, interaction.client).features
    return tuple(kept for feature in features for kept in feature.personal_data)


def languages_read(interaction: discord.Interaction[Any]) -> tuple[str, ...]:
    """The codes of the languages in which messages are read in the server that is asked from.

    Where the model reads none of those that were chosen, it is they: certainly no others.
    """
    equipped, guild_id = cast(_Equipped, interaction.client), interaction.guild_id
    readable = languages_of(equipped.services.classifier.info)
    if guild_id is None:
        return readable

    def wanted(code: str) -> bool:
        return all(feature.wants is None or feature.wants(guild_id, code) for feature in equipped.features)

    return tuple(filter(wanted, readable)) or tuple(filter(wanted, NAMES)) or readable


def jobs_of(interaction: discord.Interaction[Any]) -> dict[str, JobState]:
    """What has become of each background job, by name."""
    return cast(_Equipped, interaction.client).jobs.states()
