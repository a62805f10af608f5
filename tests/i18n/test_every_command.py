"""Every command and its suggestions, in many states, has nothing in English for whoever speaks another language."""

from dataclasses import replace

import discord
import pytest

from bot.domain.records import GuildSettings
from bot.i18n import LANGUAGES
from bot.storage.errors import DatabaseUnavailable
from model import DeadlinePassed, NothingToRead, Sentiment, Unreadable, Verdict
from tests.bot.commands.test_elsewhere import WORDS, every_command, options_of, use
from tests.bot.parts import overwrite
from tests.bot.pasts import hour_now, said, write
from tests.i18n.pseudo import all_translated, english_left, in_english, said_by_the_bot

pytestmark = [pytest.mark.usefixtures("everybody_speaks_pseudo"), pytest.mark.timeout(180)]

NAMES = (
    *("Vibecheck", "Discord", "Home", "general", "mods", "staff", "forum", "movies", "adam", "alice", "maya", "root"),
    *("bundled", "onnxruntime", "cpu", "patch 2.4", "UTC", "GMT", "Europe/Berlin", "CSV", "JSON", "I love it"),
    *LANGUAGES.values(),
)
TEXT = "I love it"


@pytest.fixture
def staff(home):
    return home.guild.create_role("staff")


@pytest.fixture
async def root(home):
    role = home.guild.create_role("root", permissions=discord.Permissions(administrator=True))
    return home.guild.add_member(home.env.create_user("root"), roles=[role])


def values(command, home, staff, *, all_of_them):
    """What somebody fills in."""
    handles = {discord.AppCommandOptionType.channel: home.general, discord.AppCommandOptionType.role: staff}
    given = {}
    for one in command.parameters:
        if not (one.required or all_of_them):
            continue
        if one.type in handles:
            given[one.name] = handles[one.type]
        elif one.choices:
            given[one.name] = one.choices[-1].value
        elif one.type is discord.AppCommandOptionType.boolean:
            given[one.name] = True
        elif one.type is discord.AppCommandOptionType.integer:
            given[one.name] = int(one.min_value or 0) + 1
        else:
            given[one.name] = WORDS[one.name]
    return given


async def use_all(home, bot, staff, who):
    """Somebody uses every command, with what is required and with every option; all of it is translated."""
    found = {}
    for name, command in every_command(bot.tree):
        for all_of_them in (False, True):
            before = set(said_by_the_bot(home.env))
            options = values(command, home, staff, all_of_them=all_of_them)
            answer = await who.slash(home.general, name, **options)
            assert answer.acknowledged, name
            home.env.errors.clear()
            found[name, all_of_them] = [words for words in in_english(home.env, NAMES) if words not in before]
    assert len(found) >= 2 * 20
    left = [f"/{name}: {words}" for (name, _), said in found.items() for words in said]
    assert not left, "\n".join(left)


@pytest.fixture
async def past(home, storage):
    """A month in which ten people wrote in every hour, and a second channel that is far worse."""
    movies = home.guild.create_text_channel("movies")
    now = hour_now(home.env)
    for channel, mean in ((home.general, 0.1), (movies, -0.6)):
        hours = [said(hour, 10, mean + 0.06 * (-1) ** hour, unread=3) for hour in range(now - 30 * 24, now)]
        await write(storage, home.guild.id, channel.id, hours)
    return movies


async def test_in_a_server_where_nothing_is_watched(home, bot, staff, root):
    await use_all(home, bot, staff, root)


async def test_in_a_server_with_a_past(home, bot, staff, root, past):
    mods = home.guild.create_text_channel("mods")
    await root.slash(home.general, "monitor settings", mod_channel=mods)
    for channel in (home.general, past):
        await root.slash(home.general, "monitor enable", channel=channel)
        await home.maya.send(channel, TEXT)
    await use_all(home, bot, staff, root)


async def test_where_the_bot_lacks_permissions(home, bot, staff, root, past):
    forum = home.guild.create_forum_channel("forum")
    for channel in (home.general, past, forum):
        await root.slash(home.general, "monitor enable", channel=channel)
    await root.slash(home.general, "monitor settings", mod_channel=past)
    lacking = dict.fromkeys(("send_messages", "embed_links", "attach_files", "add_reactions", "read_message_history"))
    for channel in (home.general, past, forum):
        await overwrite(home.env, channel, home.guild.me, **dict.fromkeys(lacking, False))
    await overwrite(home.env, past, home.guild.me, view_channel=False)
    await use_all(home, bot, staff, root)


async def test_for_somebody_who_may_do_little(home, bot, staff, past):
    for command in await bot.tree.fetch_commands():
        home.guild.set_command_permissions(command, {home.alice: True})
    await overwrite(home.env, past, home.alice, view_channel=False)
    await use_all(home, bot, staff, home.alice)
    await home.alice.slash(home.general, "mood compare", channel=home.general, other=home.general)
    all_translated(home.env, NAMES)


async def test_while_the_database_is_away(home, bot, staff, root, past, monkeypatch):
    def away(*_, **_options):
        raise DatabaseUnavailable("away")

    for how in ("read", "write"):
        monkeypatch.setattr(type(home.storage.database), how, away)
    await use_all(home, bot, staff, root)


async def test_where_discord_fails(home, bot, staff, root):
    home.env.inject_error("POST", "/channels/*/messages", status=403)
    await use_all(home, bot, staff, root)


async def test_in_a_server_where_the_bot_is_not(home, bot):
    for _, command in every_command(bot.tree):
        await use(home, command, options_of(command, all_of_them=True))
    home.env.errors.clear()
    assert len(said_by_the_bot(home.env)) > 20
    all_translated(home.env, NAMES)


async def test_with_an_unknown_time_zone(home, root, storage):
    await storage.guilds.set_settings(GuildSettings(home.guild.id, timezone="Europe/Berlin"))
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE guild_settings SET timezone = 'Mars/Olympus'")
    for command in ("settings", "doctor", "status"):
        await root.slash(home.general, f"monitor {command}")
    await root.slash(home.general, "monitor settings", timezone="Mars")
    all_translated(home.env, (*NAMES, "Mars/Olympus", "Mars"))


async def test_a_preview_of_every_kind_of_message(home, root, answers):
    bad = Verdict(Sentiment.NEGATIVE, (0.98, 0.01, 0.01), 1, "v1")
    found = {
        "bad": bad,
        "plain": Verdict(Sentiment.NEUTRAL, (0.01, 0.98, 0.01), 1, "v1"),
        "good": Verdict(Sentiment.POSITIVE, (0.01, 0.01, 0.98), 1, "v1"),
        "danger": replace(bad, danger=True),
        "none": NothingToRead(),
        "spanish": Unreadable("Spanish"),
        "foreign": Unreadable(),
        "late": DeadlinePassed(),
    }
    answers |= found
    await root.slash(home.general, "monitor enable", channel=home.general, tagging=True)
    for text in found:
        await home.maya.send(home.general, text)
    await root.slash(home.general, "monitor preview")
    assert sum("/channels/" in words for words in said_by_the_bot(home.env)) >= 1
    all_translated(home.env, (*NAMES, *found))


NONSENSE = {
    "positive_emoji": ":no_such_emoji:",
    "timezone": "Nowhere/Atall",
    "url": "https://example.com/hook",
    "when": "qwertz",
    "since": "qwertz",
    "mark": "qwertz",
}


async def test_what_cannot_be_understood(home, bot, staff, root, past):
    tried = 0
    for name, command in every_command(bot.tree):
        there = [one for one in command.parameters if one.name in NONSENSE and not one.choices]
        for wrong in there:
            options = values(command, home, staff, all_of_them=False) | {wrong.name: NONSENSE[wrong.name]}
            await root.slash(home.general, name, **options)
            tried += 1
    assert tried >= 5
    all_translated(home.env, (*NAMES, *NONSENSE.values(), "qwertz"))


async def test_what_is_suggested(home, bot, staff, root, past):
    for text, when in (("patch 2.4", "yesterday 18:00"), ("patch 2.4", "2 hours ago")):
        await root.slash(home.general, "mood mark", text=text, when=when)
    asked, found = 0, []
    for name, command in every_command(bot.tree):
        for option in (one for one in command.parameters if one.autocomplete):
            for typed in ("", "e", "2", "to"):
                choices = await root.autocomplete(home.general, name, option.name, typed)
                asked += len(choices)
                names = [one["name"] for one in choices]
                found += [f"/{name}: {one}" for one in names if _is_english(one, choices, option.name)]
    assert asked > 10
    assert not found, "\n".join(found)


def _is_english(shown, choices, option):
    """A time zone is called by its name, and an emoji as the library calls it; all else is words."""
    if option.endswith("_emoji"):
        return False
    zone = option == "timezone" and any(one["name"] == shown and one["value"].split(" ")[0] in shown for one in choices)
    return not zone and bool(english_left(shown, NAMES))


async def test_every_command_and_option_has_a_description_that_is_gathered(home, bot, root):
    """Names stay as they are in the made-up language, for Discord takes no brackets in them."""
    left = []
    for registered in await bot.tree.fetch_commands():
        told = next(one for one in home.env.backend.commands[None].values() if one["name"] == registered.name)
        left += list(_not_localised(told))
    assert left == []


def _not_localised(described):
    if described.get("description") and "description_localizations" not in described:
        yield described["name"], described["description"]
    for choice in described.get("choices", ()):
        if not choice.get("name_localizations") and english_left(choice["name"], NAMES):
            yield described["name"], choice["name"]
    for option in described.get("options", ()):
        yield from _not_localised(option)
