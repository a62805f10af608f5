"""A bot that speaks the made-up language, and a Discord in which everybody's client can have its own."""

import asyncio
import functools

import pytest
import simcord
from babel import localedata
from simcord import interactions

from bot.i18n import catalogue, languages
from tests.bot.conftest import (  # noqa: F401 -- fixtures
    answers,
    backend,
    bot,
    classifier,
    clock_begins,
    env,
    found,
    home,
    loaded_backend,
    migrated,
    own_environment,
    settings,
    shared_classifier,
    storage,
    world,
)
from tests.catalogues import command_texts, gathered
from tests.i18n.pseudo import LOCALE, PSEUDO, pseudo_catalogue, pseudo_formats


@pytest.fixture(scope="session")
def template():
    """Every text of the code and of the commands."""
    return gathered(asyncio.run(command_texts()))


@pytest.fixture(scope="session")
def pseudo_texts(template):
    return pseudo_catalogue(template)


@pytest.fixture
def pseudo_language(monkeypatch, pseudo_texts):
    """The bot knows the made-up language, as it knows German."""
    known = catalogue.catalogue
    monkeypatch.setitem(languages.LANGUAGES, PSEUDO, "⟦⟧")
    monkeypatch.setitem(languages.DISCORD, PSEUDO, (LOCALE,))
    monkeypatch.setitem(languages._BY_LOCALE, LOCALE, PSEUDO)
    monkeypatch.setattr(catalogue, "catalogue", lambda name: pseudo_texts if name == PSEUDO else known(name))
    monkeypatch.setitem(localedata._cache, PSEUDO, pseudo_formats())
    localedata.exists.cache_clear()


@pytest.fixture
def locales(monkeypatch):
    """The language of everybody's client by their id; those who aren't in it have Discord in English."""
    by_person: dict[int, str] = {}
    plain = interactions.base_payload

    def base_payload(*place, user_id, **rest):
        record, payload = plain(*place, user_id=user_id, **rest)
        payload["locale"] = by_person.get(user_id, by_person.get(0, "en-US"))
        return record, payload

    monkeypatch.setattr(interactions, "base_payload", base_payload)
    return by_person


@pytest.fixture
def everybody_speaks_pseudo(monkeypatch, pseudo_language, locales):
    """All clients and servers have the made-up language; to be asked for before the bot starts."""
    locales[0] = LOCALE
    create = functools.partialmethod(simcord.Env.create_guild, preferred_locale=LOCALE)
    monkeypatch.setattr(simcord.Env, "create_guild", create)
