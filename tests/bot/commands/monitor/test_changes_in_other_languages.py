"""What changes things under `/monitor`, for an admin whose Discord isn't in English; and the language of posts."""

from dataclasses import replace
from gettext import NullTranslations

import discord
import pytest
import simcord
from simcord.backend.models import Overwrite
from simcord.enums import OverwriteType

from bot.commands.monitor import emojis
from bot.commands.monitor.emojis import emojis_like
from bot.commands.monitor.errors import NOT_ALLOWED, STORE_AWAY
from bot.commands.monitor.languages import in_words
from bot.commands.monitor.personal_data import ADMIN_ACTIONS
from bot.commands.monitor.pinging import role_warning
from bot.commands.monitor.rule_words import how_in_words
from bot.commands.monitor.targets import named
from bot.domain.records import AdminAction, Audited, GuildSettings, Mode, Rule, Sensitivity, TargetKind
from bot.i18n import LANGUAGES, speaking
from bot.i18n.formats import language_name
from bot.link.spoken import server_language
from bot.storage.errors import DatabaseUnavailable
from model import Unreadable
from model.text import language
from tests.bot.commands.monitor.fullwidth import FullwidthTranslations, english_in, wide
from tests.bot.commands.monitor.test_looks import settings_of
from tests.bot.commands.monitor.test_rule_changes import silenced
from tests.bot.forums import REQUIRE_TAG, change_forum
from tests.bot.parts import monitoring_of

ELSEWHERE = "https://discord.com/api/webhooks/123456789012345678/" + "t" * 68


@pytest.fixture
def translated(monkeypatch):
    """Every language but English is in wide letters."""
    there = {code: FullwidthTranslations() for code in LANGUAGES} | {"en": NullTranslations()}
    monkeypatch.setattr("bot.i18n.catalogue.catalogue", there.__getitem__)


@pytest.fixture
def at_home_in(monkeypatch):
    """Has everybody's Discord be in a language, by Discord's name for it."""
    plain = simcord.interactions.base_payload

    def be(locale):
        def with_locale(*given, **more):
            record, payload = plain(*given, **more)
            return record, payload | {"locale": locale}

        monkeypatch.setattr("simcord.interactions.base_payload", with_locale)

    return be


@pytest.fixture
def german(home, translated, at_home_in):
    at_home_in("de")
    return home


def first_line(said):
    return said.splitlines()[0]


# ---- the language of posts


def spoken_in(home):
    return server_language(
        home.bot.get_guild(home.guild.id), monitoring_of(home.bot).rules._settings.get(home.guild.id)
    )


async def test_the_language_of_posts_is_chosen_shown_and_written_down(home):
    assert "Language of my posts: same as the server (English)" in await home.monitor("settings")
    said = await home.monitor("settings", language="de")
    assert "Saved" in said  # whoever asks is answered in their own language
    assert "Language of my posts: Deutsch" in said
    assert (await settings_of(home)).language == "de"
    assert spoken_in(home) == "de"
    assert await home.actions() == [(AdminAction.SETTINGS, None, None)]
    await home.monitor("settings", confidence=70)
    assert (await settings_of(home)).language == "de"
    assert "Language of my posts: same as the server (English)" in await home.monitor("settings", language="server")
    assert (await settings_of(home)).language == ""
    assert spoken_in(home) == "en"


async def test_without_a_choice_it_is_the_language_that_the_server_has_at_discord(env, bot, home):
    guild = env.create_guild("Dom", preferred_locale="pl")
    general = guild.create_text_channel("general")
    admins = guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    eva = guild.add_member(env.create_user("eva"), roles=[admins])
    await env.settle()
    answer = await eva.slash(general, "monitor settings")
    (embed,) = answer.response.embeds
    (shown,) = [field.value for field in embed.fields if field.name == "Language of my posts"]
    assert shown == "same as the server (Polski)"


async def test_every_language_can_be_chosen_by_what_it_calls_itself(home, bot):
    command = bot.tree.get_command("monitor").get_command("settings")
    (option,) = [one for one in command.parameters if one.name == "language"]
    assert {choice.value: choice.name for choice in option.choices} == {"server": "Same as the server"} | LANGUAGES
    for code, name in LANGUAGES.items():
        assert f"Language of my posts: {name}" in await home.monitor("settings", language=code)
        assert spoken_in(home) == code


async def test_a_language_that_is_not_there_any_more_is_the_servers(home):
    await monitoring_of(home.bot).rules.set_settings(GuildSettings(home.guild.id, language="tlh"))
    assert "Language of my posts: same as the server (English)" in await home.monitor("settings")


async def test_the_settings_say_whether_links_are_on(home):
    assert "Links to messages: on" in await home.monitor("settings")
    await home.monitor("links off")
    assert "Links to messages: off" in await home.monitor("settings")


# ---- nothing is left in English


async def test_the_answer_is_in_the_language_of_whoever_asks_whatever_the_server_has_chosen(german):
    said = await german.monitor("settings", language="tr")
    assert wide("Saved") in said
    assert (await settings_of(german)).language == "tr"


async def test_enabling_and_disabling_is_said_in_their_language(german):
    mention = german.general.mention
    category = german.guild.create_category("Chatter")
    off = f"({wide('tagging off, sensitivity normal')})"
    said = first_line(await german.monitor("enable"))
    assert said == wide(f"Now watching {{}} {off}. I posted a notice there.").replace("{}", mention)
    said = first_line(await german.monitor("enable", tagging=True, sensitivity="low"))
    assert said.startswith(wide("I was already watching {}; now with tagging on, sensitivity low.").format(mention))
    said = first_line(await german.monitor("enable", channel=category))
    assert said.startswith(wide("Now watching the category **{}** (tagging off").format("Chatter"))
    assert english_in(said, "Chatter") == []
    assert english_in(first_line(await german.monitor("enable", whole_server=True))) == []
    still = await german.monitor("disable", whole_server=True)
    assert wide("1 channel is still watched by other rules") in still
    for said in (
        still,
        await german.monitor("disable"),
        await german.monitor("disable", channel=category),
        await german.monitor("disable", channel=category),
        await german.monitor("disable", whole_server=True),
        await german.monitor("disable"),
    ):
        assert english_in(said, "Chatter") == [], said


async def test_exempting_and_including_is_said_in_their_language(german):
    staff, category = german.guild.create_role("staff"), german.guild.create_category("Chatter")
    thread = german.env.backend.create_thread(german.general.id, "plans", german.maya.id)
    await german.env.settle()
    private = simcord.ChannelHandle(german.env, german.guild, thread)
    targets = {"role": [staff], "channel": [german.general, category, private]}
    for kind, ones in targets.items():
        for one in ones:
            for command in ("include", "exempt", "include"):
                said = await german.monitor(f"{command} {kind}", **{kind: one})
                assert english_in(said, "Chatter") == [], said
                assert f"{one.mention if one is not category else '**Chatter**'}" in said
    await german.monitor("exempt channel", channel=german.general)
    await german.monitor("enable", whole_server=True)
    said = await german.monitor("include channel", channel=german.general)
    assert wide("it's watched again") in said
    assert english_in(said) == []


async def test_what_cannot_be_is_said_in_their_language(german):
    staff = german.guild.create_role("staff")
    forum = german.guild.create_forum_channel("help")
    refusals = [
        await german.monitor("enable", channel=german.general, whole_server=True),
        await german.monitor("enable", alert_messages=2),
        await german.monitor("exempt role", role=german.guild.default_role),
        await german.monitor("settings", timezone="Europe/Nowhere"),
        await german.monitor("settings", timezone="indiana"),
        await german.monitor("settings", positive_emoji="hello"),
        await german.monitor("settings", positive_emoji="<:gone:123456789012345678>"),
        await german.monitor("settings", negative_emoji="🌟"),
        await german.monitor("settings", digest="daily"),
        await german.monitor("settings", mod_channel=forum),
        await german.monitor("webhook set", url="https://example.com/"),
        await german.monitor("webhook set", url=ELSEWHERE),
        await german.monitor("webhook remove"),
        await german.monitor("include role", role=staff),
    ]
    zones = "Europe/Berlin", "America/New_York", "Europe/Nowhere", "indiana"
    for said in refusals:
        left = english_in(said, *zones, *[part for part in said.split() if part.startswith("America/")])
        assert left == [], said
    assert await german.actions() == []


async def test_a_permission_that_is_missing_is_asked_for_in_their_language(german):
    locked = silenced(german)
    assert (await german.monitor("enable", channel=locked)).startswith(wide("Nothing was enabled: "))
    assert (await german.monitor("settings", mod_channel=locked)).startswith(wide("Nothing has changed: "))
    said = await german.monitor("enable", whole_server=True)
    assert wide("I can't post it in {}, so").format(locked.mention) in said
    for number in range(5):
        german.guild.create_text_channel(
            f"locked-{number}",
            overwrites={german.guild.me: discord.PermissionOverwrite(send_messages=False)},
        )
    said = first_line(await german.monitor("enable", whole_server=True))
    assert wide("and 1 more, so") in said
    assert english_in(said) == []


async def test_a_notice_that_discord_does_not_take_is_told_in_their_language(german):
    german.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, message="Missing Permissions")
    said = await german.monitor("enable")
    assert said.startswith(
        wide("Nothing was enabled: I couldn't post my notice in {} (Discord says: ").format(german.general.mention)
    )
    german.env.inject_error("POST", "/channels/*/messages", status=500, times=10)
    said = await german.monitor("enable")
    assert wide("Discord isn't responding") in said
    assert english_in(said) == []


async def test_a_forum_that_asks_for_a_tag_is_explained_in_their_language(german):
    forum = german.guild.create_forum_channel("help")
    allow, deny = discord.PermissionOverwrite(manage_threads=False).pair()
    own = Overwrite(german.env.backend.bot_user.id, OverwriteType.MEMBER, allow.value, deny.value)
    german.env.backend.set_overwrite(forum.id, own)
    await change_forum(german.env, forum, [("solved", True)], flags=REQUIRE_TAG)
    said = await german.monitor("enable", channel=forum)
    assert forum.mention in said
    assert wide("needs a tag") in said
    assert english_in(said) == []


async def test_links_and_all_settings_are_in_their_language(german):
    mods = german.guild.create_text_channel("mods")
    assert english_in(await german.monitor("links on")) == []
    assert english_in(await german.monitor("links off")) == []
    names = "UTC", "Deutsch", "English", "Englisch", "None", "Kolkata", "Asia/Kolkata"
    assert english_in(await german.monitor("settings"), *names) == []
    for digest in ("daily", "weekly"):
        said = await german.monitor(
            "settings", digest=digest, mod_channel=mods, timezone="Asia/Kolkata", digest_messages=1200, language="de"
        )
        assert english_in(said, *names) == [], said
        assert "1.200" in said  # as German groups digits
        assert "90\N{NO-BREAK SPACE}%" in said
    await monitoring_of(german.bot).rules._guilds.set_settings(replace(await settings_of(german), language=""))
    lost = replace(await settings_of(german), timezone="Mars/Olympus", alert_role_id=5)
    monitoring_of(german.bot).rules._settings[german.guild.id] = lost
    said = await german.monitor("settings")
    assert english_in(said, *names, "Mars/Olympus") == [], said
    said = await german.monitor("settings", confidence=70)
    assert english_in(said, "Englisch", "Mars/Olympus", "Europe/Berlin", "America/New_York") == [], said


async def test_who_may_not_and_a_store_that_is_away_are_told_in_their_language(german, bot, monkeypatch):
    (root,) = [one for one in await bot.tree.fetch_commands() if one.name == "monitor"]
    german.guild.set_command_permissions(root, {german.alice: True})
    assert await german.monitor("links on", by=german.alice) == wide(NOT_ALLOWED)
    assert [type(error) for error in german.env.errors] == [discord.app_commands.CheckFailure]

    async def fail(*_):
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(german.storage.guilds, "set_rule", fail)
    assert await german.monitor("enable") == wide(STORE_AWAY)


async def test_an_emoji_that_cannot_be_used_is_named_in_their_language(german):
    secret = german.guild.create_emoji("secret")
    secret.role_ids.append(german.guild.create_role("vip").id)
    said = await german.monitor("settings", positive_emoji=f"<:secret:{secret.id}>")
    assert ":secret:" in said
    assert english_in(said, "secret") == []


# ---- words that are put together


@pytest.mark.parametrize("sensitivity", Sensitivity)
@pytest.mark.parametrize(("messages", "people"), [(None, None), (50, None), (None, 8), (1, 1), (2000, 8)])
def test_how_something_is_watched_has_words_for_every_case(translated, sensitivity, messages, people):
    rule = Rule(1, TargetKind.CHANNEL, 2, Mode.WATCH, True, sensitivity, messages, people)
    with speaking("de"):
        said = how_in_words(rule)
    assert english_in(said) == []
    assert ("2.000" in said) == (messages == 2000)


def test_how_something_is_watched_reads_as_it_always_did_in_english():
    rule = Rule(1, TargetKind.CHANNEL, 2, Mode.WATCH)
    assert how_in_words(rule) == "tagging off, sensitivity normal"
    assert how_in_words(replace(rule, alert_messages=1200)) == (
        "tagging off, sensitivity normal, alerts from 1,200 messages an hour"
    )
    assert how_in_words(replace(rule, tagging=True, alert_authors=8)) == (
        "tagging on, sensitivity normal, alerts from 8 people an hour"
    )


async def test_what_a_rule_is_about_is_named_in_every_case(home, bot, translated):
    category = home.guild.create_category("Chatter")
    await home.env.settle()
    guild = bot.get_guild(home.guild.id)
    targets = [(TargetKind.SERVER, guild.id), (TargetKind.CATEGORY, category.id), (TargetKind.CHANNEL, home.general.id)]
    targets += [(kind, 5) for kind in TargetKind if kind is not TargetKind.SERVER]
    for kind, number in targets:
        with speaking("de"):
            assert english_in(named(guild, Rule(guild.id, kind, number, Mode.WATCH)), "Chatter") == []
    assert named(guild, Rule(guild.id, TargetKind.THREAD, 5, Mode.WATCH)) == (
        "a thread I can't see, or that's gone (`5`)"
    )


async def test_a_role_that_cannot_be_pinged_is_told_in_their_language(home, bot, translated):
    role = home.guild.create_role("crew")
    backend = home.env.backend
    (own,) = (one for one in backend.guilds[home.guild.id].roles.values() if one.managed)
    without = discord.Permissions(administrator=True, mention_everyone=True).value
    backend.edit_role(home.guild.id, own.id, {"permissions": int(own.permissions) & ~without})
    await home.env.settle()
    guild = bot.get_guild(home.guild.id)
    with speaking("de"):
        for number in (role.id, guild.id):
            (said,) = role_warning(guild, number)
            assert english_in(said) == []


def test_an_admins_own_entries_are_counted_in_their_language(translated):
    once = Audited(1, 0, None, AdminAction.SETTINGS)
    assert ADMIN_ACTIONS.lines((once,), 1) == [
        "- 1 thing you did as an admin. What was done stays; your name on it is deleted after 1 day."
    ]
    assert "your name from 2 things you did as an admin" in ADMIN_ACTIONS.deletion((once, once))
    with speaking("de"):
        assert ADMIN_ACTIONS.lines((once, once), 7) == [
            wide("- 2 things you did as an admin. What was done stays; your name on it is deleted after 7 days.")
        ]
        assert wide("your name from 1 thing you did as an admin") in ADMIN_ACTIONS.deletion((once,))
        assert ADMIN_ACTIONS.lines((), 7) == []
        assert ADMIN_ACTIONS.deletion(()) == ""


def test_a_language_that_cannot_be_read_is_named_in_theirs(translated):
    answers = [Unreadable("Spanish")] * 12
    assert "look like Spanish;" in in_words(answers)
    with speaking("de"):
        assert "Spanisch" in in_words(answers)
        assert english_in(in_words(answers), "Spanisch") == []
        assert english_in(in_words([Unreadable("")] * 12)) == []


def test_every_language_that_is_recognised_has_a_name_in_others():
    recognised = {name for name, _ in language._SCRIPTS} | set(language._WIDESPREAD.values())
    assert {language_name(name) for name in recognised} == recognised
    with speaking("ja"):  # which has none of them in English letters
        assert not any(language_name(name).isascii() for name in recognised)
        assert language_name("Elbonian") == "Elbonian"


@pytest.mark.parametrize(
    ("code", "name"),
    [("de", "Polnisch"), ("es", "polaco"), ("fr", "polonais"), ("pl", "polski"), ("pt_BR", "polonês"), ("tr", "Lehçe")],
)
def test_a_language_is_called_what_people_call_it(code, name):
    with speaking(code):
        assert language_name("Polish") == name


@pytest.mark.parametrize(
    ("code", "typed", "sign"),
    [
        ("de", "regenschirm", "☂️"),
        ("de", "umbrella", "☂️"),
        ("es", "paraguas", "☂️"),
        ("fr", "parapluie", "☂️"),
        ("ja", "傘", "☂️"),
        ("pl", "umbrella", "☂️"),
        ("pt_BR", "guarda-chuva", "☂️"),
        ("tr", "şemsiye", "☂️"),
    ],
)
def test_emoji_are_found_by_their_names_in_the_language_that_is_spoken(code, typed, sign):
    with speaking(code):
        assert sign in [value for _, value in emojis_like(typed, ())]


def test_emoji_are_shown_by_their_names_in_the_language_that_is_spoken():
    with speaking("de"):
        assert ("🌟 funkelnder_stern", "🌟") in emojis_like("🌟", ())
    assert ("🌟 glowing_star", "🌟") in emojis_like("🌟", ())
    assert set(emojis._NAMED_IN) == set(LANGUAGES) - {"pl"}


async def test_emoji_are_suggested_in_the_language_of_whoever_types(german):
    found = await german.adam.autocomplete(german.general, "monitor settings", "positive_emoji", "regenbogen")
    assert "🌈" in [choice["value"] for choice in found]
