"""Whoever uses anything is spoken to in the language of their client, in all that it leads to, and nobody else is."""

import asyncio
import itertools

import discord
import pytest
from discord import app_commands
from discord.ext import commands
from simcord import interactions
from simcord.enums import AppCommandType, InteractionType

from bot.app.assemble import assemble
from bot.domain.records import GuildSettings
from bot.i18n import LANGUAGES, gettext, language_of, pgettext, speaking, spoken
from bot.i18n.languages import DISCORD, ENGLISH
from bot.link.command_translator import LONGEST
from bot.link.spoken import server_language, speak_to_each
from bot.services import Feature
from bot.ui.static_item import StaticItem
from model.concurrency import in_thread


class Heard:
    """In which language each part of the bot was asked to speak."""

    def __init__(self):
        self.by_part = {}
        self.tasks = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def hears(self, part):
        self.by_part[part] = spoken()


heard: Heard


class ProbeButton(StaticItem, discord.ui.DynamicItem[discord.ui.Button], template="probe:button"):
    def __init__(self):
        super().__init__(discord.ui.Button(label="x", custom_id="probe:button"))

    async def callback(self, interaction):
        await heard.hears("button")
        await interaction.response.send_modal(ProbeForm())


class ProbeSelect(StaticItem, discord.ui.DynamicItem[discord.ui.Select], template="probe:select"):
    def __init__(self):
        super().__init__(discord.ui.Select(options=[discord.SelectOption(label="x")], custom_id="probe:select"))

    async def callback(self, interaction):
        await heard.hears("select")
        await interaction.response.send_message("x")


class ProbeForm(discord.ui.Modal, title="x"):
    field = discord.ui.TextInput(label="x")

    async def on_submit(self, interaction):
        await heard.hears("form")
        await interaction.response.send_message("x")


class Plain(discord.ui.View):
    """A view that the library keeps in memory, with a button of its own."""

    @discord.ui.button(label="plain")
    async def plain(self, interaction, _button):
        await heard.hears("button of a view")
        await interaction.response.send_message("x")


class Probe(commands.Cog):
    """Uses every way in which somebody reaches the bot."""

    def __init__(self):
        self.menu = app_commands.ContextMenu(name="Probe it", callback=self.look)

    @app_commands.command(description="Tries it")
    async def probe(self, interaction, word: str = ""):
        mine = f" of {word}" if word else ""
        await heard.hears(f"command{mine}")
        await heard.go_on.wait()
        await heard.hears(f"later{mine}")
        heard.tasks.append(asyncio.create_task(heard.hears(f"task{mine}")))
        heard.by_part[f"thread{mine}"] = await in_thread(spoken)
        heard.by_part[f"charts{mine}"] = await interaction.client.services.charts.run(spoken)
        view = Plain(timeout=None)
        view.add_item(ProbeButton())
        view.add_item(ProbeSelect())
        await interaction.response.send_message("x", view=view)

    @probe.autocomplete("word")
    async def suggest(self, _interaction, typed: str):
        await heard.hears("suggestion")
        return [app_commands.Choice(name=typed or "x", value="x")]

    async def look(self, interaction, _message: discord.Message):
        await heard.hears("menu")
        await interaction.response.send_message("x")


@pytest.fixture
def bot(settings, classifier, storage):
    """With a command, a menu, buttons and a form that say what is spoken."""
    global heard
    heard, made, cog = Heard(), assemble(settings, classifier, storage), Probe()
    probe = Feature(name="probe", cogs=(cog,), menus=(cog.menu,), buttons=(ProbeButton, ProbeSelect))
    made.features = (*made.features, probe)
    made.on_interaction = _nothing  # it would answer the form and the view, which are of no feature
    return made


async def _nothing(_interaction):
    """Leaves it to the library."""


async def use_everything(world):
    await world.alice.autocomplete(world.channel, "probe", "word", "a")
    answer = await world.alice.slash(world.channel, "probe")
    await world.alice.click(answer.response, label="plain")
    form = await world.alice.click(answer.response, custom_id="probe:button")
    await world.alice.submit_modal(form, _filled(form))
    await world.alice.select(answer.response, ["x"], custom_id="probe:select")
    await world.alice.context_menu(world.channel, "Probe it", await world.maya.send(world.channel, "x"))
    await asyncio.gather(*heard.tasks)
    return heard.by_part


def _filled(form):
    return {field["custom_id"]: "x" for row in form.modal["components"] for field in row["components"]}


PARTS = {
    *("suggestion", "command", "later", "task", "thread", "charts", "button", "button of a view", "form", "select"),
    "menu",
}


@pytest.mark.parametrize(
    ("locale", "language"),
    [(locale, language) for language, locales in DISCORD.items() for locale in locales]
    + [("en-US", ENGLISH), ("en-GB", ENGLISH), ("ko", ENGLISH), ("klingon", ENGLISH)],
)
async def test_all_that_somebody_does_is_in_their_language(world, locales, locale, language):
    locales[world.alice.id] = locale
    assert await use_everything(world) == dict.fromkeys(PARTS, language)
    assert spoken() == ENGLISH


@pytest.mark.parametrize("locale", [None, 7, "", "de-AT", ["de"]])
def test_what_is_no_language_is_english(locale):
    assert language_of(locale) == ENGLISH


@pytest.mark.parametrize("data", [{}, {"locale": None}, {"locale": {}}, None, [], "de"])
def test_an_interaction_without_a_language_is_english_and_passed_on(data):
    seen = []
    parsers = {"INTERACTION_CREATE": lambda given: seen.append((given, spoken()))}
    speak_to_each(parsers)
    with speaking("de"):
        parsers["INTERACTION_CREATE"](data)
        assert spoken() == "de"
    assert seen == [(data, ENGLISH)]


def test_one_persons_language_does_not_stay_for_the_next_event():
    seen = []
    parsers = {"INTERACTION_CREATE": lambda _: seen.append(spoken()), "MESSAGE_CREATE": lambda _: seen.append(spoken())}
    speak_to_each(parsers)
    for event, data in (("INTERACTION_CREATE", {"locale": "ja"}), ("MESSAGE_CREATE", {}), ("INTERACTION_CREATE", {})):
        parsers[event](data)
    assert seen == ["ja", ENGLISH, ENGLISH]


async def test_two_people_at_once_are_each_spoken_to_in_their_own_language(world, locales):
    people = {world.alice: "pl", world.maya: "pt-BR"}
    locales.update({who.id: locale for who, locale in people.items()})
    backend = world.env.backend
    command = backend.find_command("probe", None, type=AppCommandType.CHAT_INPUT)
    heard.go_on.clear()
    for who in people:
        options = [{"name": "word", "type": 3, "value": who.name}]
        _, payload = interactions.base_payload(
            backend,
            type=InteractionType.APPLICATION_COMMAND,
            channel_id=world.channel.id,
            guild_id=world.guild.id,
            user_id=who.id,
            data={"id": command["id"], "name": "probe", "type": 1, "options": options},
        )
        backend.emit("INTERACTION_CREATE", payload)
    async with asyncio.timeout(20):
        while len(heard.by_part) < 2:
            await asyncio.sleep(0)
    heard.go_on.set()
    await world.env.settle()
    await asyncio.gather(*heard.tasks)
    parts = ("command", "later", "task", "thread", "charts")
    assert heard.by_part == {
        f"{part} of {who.name}": language_of(locale) for part, (who, locale) in itertools.product(parts, people.items())
    }


def test_english_and_what_discord_calls_the_others():
    assert LANGUAGES.keys() == {ENGLISH, *DISCORD}
    known = {locale.value for locale in discord.Locale}
    for language, locales in DISCORD.items():
        assert set(locales) <= known, language
        assert {language_of(locale) for locale in locales} == {language}


# ---- servers


@pytest.mark.parametrize(
    ("chosen", "theirs", "language"),
    [
        (None, "en-US", ENGLISH),
        (None, "ja", "ja"),
        (None, "ko", ENGLISH),
        ("tr", "ja", "tr"),
        ("en", "ja", ENGLISH),
        ("xx", "ja", "ja"),
    ],
)
async def test_a_server_is_spoken_to_as_its_admins_chose_or_as_discord_says(env, chosen, theirs, language):
    guild = env.create_guild("Home", preferred_locale=theirs)
    await env.settle()
    there = env.bot.get_guild(guild.id)
    assert server_language(there, GuildSettings(guild.id, language=chosen or "")) == language
    assert server_language(there) == language_of(theirs)
    assert server_language(None) == ENGLISH


# ---- what commands are called


@pytest.fixture
def registered(env):
    """What the bot has sent of its commands, by their English names."""
    return {one["name"]: one for one in env.backend.commands[None].values() if one["name"] not in ("probe", "Probe it")}


def every_text(described, *, menu=False):
    """Context, English text and its translations, of a command and all that is in it."""
    kind = "menu" if menu else "command" if described.get("type", 1) in (1, 2) else "option"
    yield kind, described["name"], described.get("name_localizations") or {}
    if described.get("description"):
        yield None, described["description"], described.get("description_localizations") or {}
    for choice in described.get("choices", ()):
        yield None, choice["name"], choice.get("name_localizations") or {}
    for option in described.get("options", ()):
        yield from every_text(option)


def texts_of(registered):
    return [text for one in registered.values() for text in every_text(one, menu=one.get("type") == 3)]


@pytest.mark.parametrize("language", DISCORD)
async def test_commands_are_registered_with_their_names_in_every_language(registered, language):
    for kind, english, others in texts_of(registered):
        with speaking(language):
            translated = gettext(english) if kind is None else pgettext(kind, english)
        assert kind is not None or len(translated) <= LONGEST
        for locale in DISCORD[language]:
            assert others.get(locale, english) == translated, (kind, english)


@pytest.mark.parametrize("language", DISCORD)
async def test_every_description_is_in_every_language(registered, language):
    left = [
        english
        for kind, english, others in texts_of(registered)
        if kind is None and english not in LANGUAGES.values() and not set(DISCORD[language]) <= set(others)
        if len(english.split()) > 1
    ]
    assert left == []


@pytest.mark.parametrize("language", DISCORD)
async def test_some_command_has_another_name(registered, language):
    named = [others for kind, _, others in texts_of(registered) if kind is not None]
    assert any(set(DISCORD[language]) <= set(others) for others in named)


def names_of_siblings(described, locale):
    """The names of what is beside each other, level by level."""
    beside = described.get("options", ())
    yield [(one.get("name_localizations") or {}).get(locale, one["name"]) for one in beside]
    for one in beside:
        yield from names_of_siblings(one, locale)


@pytest.mark.parametrize("locale", [locale for locales in DISCORD.values() for locale in locales])
async def test_no_two_commands_or_options_that_are_beside_each_other_have_one_name(registered, locale):
    everything = {"options": list(registered.values())}
    levels = list(names_of_siblings(everything, locale))
    assert len(levels) > 20
    assert [names for names in levels if len(set(names)) < len(names)] == []


def size(described):
    """Characters of a command as Discord counts them: of each text the longest of all languages."""
    lengths = [
        max(map(len, (described.get(text) or "", *(described.get(f"{text}_localizations") or {}).values())))
        for text in ("name", "description")
    ]
    inside = (*described.get("options", ()), *described.get("choices", ()))
    return sum(lengths) + len(str(described.get("value", ""))) + sum(map(size, inside))


async def test_no_command_is_too_large_for_discord(registered):
    """8,000 characters (https://discord.com/developers/docs/interactions/application-commands)."""
    sizes = {name: size(described) for name, described in registered.items()}
    assert max(sizes, key=lambda name: sizes[name]) == "monitor"
    assert max(sizes.values()) <= 8000, sizes


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("`/monitor status`", "`/beobachtung status`"),
        ("`/monitor backfill do:resume`", "`/beobachtung"),
        ("`/mood channel` and `compare`", "`/stimmung kanal` and `vergleichen`"),
        ("`DATA_DIR` stays, as `/nothing of ours` does", "`DATA_DIR` stays, as `/nothing of ours` does"),
    ],
)
def test_a_command_in_a_text_is_called_what_the_readers_discord_calls_it(english, german):
    with speaking("de"):
        assert gettext(english).startswith(german)
        assert ("do:resume" in gettext(english)) is False
    assert gettext(english) == english
