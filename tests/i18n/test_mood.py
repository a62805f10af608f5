"""`/mood` for whoever's client speaks another language than English."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import discord
import pytest

from bot.commands.mood.marks import read_instant
from bot.commands.mood.time_range import NoSuchTime, read_since, suggested
from bot.domain.marks import MOST_MARKS
from bot.domain.records import Gap, GuildSettings
from bot.i18n import LANGUAGES, speaking
from tests.bot.commands.mood.test_time_range import BERLIN, NOW, local
from tests.bot.pasts import hour_now, said, write
from tests.i18n.pseudo import PSEUDO, all_translated, english_left, said_by_the_bot, shown

NAMES = (
    "general",
    "movies",
    "Home",
    "alice",
    "maya",
    "patch",
    "UTC",
    "soon",
    "Fun",
    "tomorrow",
    "csv",
    "mood",
    "Berlin",
)


@pytest.fixture
def clock_begins():
    """Midnight in UTC."""
    return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def now(world):
    return hour_now(world.env)


@pytest.fixture
async def admin(world):
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("adam"), roles=[role])


def descriptions(env):
    """What is said to whoever does not see a picture."""
    sent = [entry.json for entry in env.http_requests if isinstance(entry.json, dict)]
    bodies = [one.get("data", one) for one in sent]
    return [file["description"] for body in bodies for file in body.get("attachments", []) if "description" in file]


@pytest.mark.usefixtures("everybody_speaks_pseudo")
class TestEveryAnswer:
    async def test_of_charts_has_nothing_left_in_english(self, world, storage, admin, now):
        other = world.guild.create_text_channel("movies")
        hours = [said(hour, 10, 0.1 - 0.5 * (hour > now - 30)) for hour in range(now - 30 * 24, now)]
        await write(storage, world.guild.id, world.channel.id, hours)
        await write(
            storage, world.guild.id, other.id, [said(hour, 20, 0.4, unread=30) for hour in range(now - 90, now)]
        )
        await storage.moods.add_gap(Gap(None, (now - 50) * 3600, (now - 48) * 3600))
        await storage.marks.add(world.guild.id, (now - 72) * 3600, "patch")
        for command, options in (
            ("channel", {}),
            ("channel", {"channel": other}),
            ("channel", {"since": "yesterday"}),
            ("server", {}),
            ("server", {"since": "monday"}),
            ("compare", {"channel": world.channel, "other": other}),
            ("heatmap", {}),
            ("export", {"since": "3 hours"}),
        ):
            answer = await admin.slash(world.channel, f"mood {command}", **options)
            assert answer.response.attachments, command
        all_translated(
            world.env, (*NAMES, "What happened?", "Go to the worst hour")
        )  # the buttons have tests of theirs
        alts = descriptions(world.env)
        assert len(alts) >= 7
        assert [alt for alt in alts if english_left(alt, NAMES)] == []

    async def test_that_there_is_nothing_has_nothing_left_in_english(self, world, storage, admin, now):
        few = world.guild.create_text_channel("movies")
        foreign = world.guild.create_text_channel("general-2")
        category = world.guild.create_category("Fun")
        await write(storage, world.guild.id, few.id, [said(now - 3, 4)])
        await write(storage, world.guild.id, foreign.id, [said(now - 3, 4, 0.1, unread=36)])
        for command, options in (
            ("channel", {}),
            ("channel", {"channel": few}),
            ("channel", {"channel": foreign}),
            ("channel", {"channel": category}),
            ("server", {}),
            ("server", {"since": "1 hour"}),
            ("heatmap", {}),
            ("compare", {"channel": world.channel, "other": world.channel}),
            ("export", {}),
            ("channel", {"since": "soon"}),
            ("channel", {"since": "0 days"}),
            ("channel", {"since": "2026-02-30"}),
            ("channel", {"since": "2027-02-03"}),
            ("channel", {"since": "9 years"}),
        ):
            answer = await admin.slash(world.channel, f"mood {command}", **options)
            assert not answer.response.attachments
        await world.alice.slash(world.channel, "mood export")
        all_translated(world.env, NAMES)

    async def test_of_marks_has_nothing_left_in_english(self, world, storage, admin):
        for command, options in (
            ("marks", {}),
            ("mark", {"text": "patch", "when": "soon"}),
            ("mark", {"text": "patch", "when": "2 hours ago"}),
            ("unmark", {"mark": "soon"}),
            ("marks", {}),
            ("unmark", {"mark": "patch"}),
        ):
            await admin.slash(world.channel, f"mood {command}", **options)
        for number in range(MOST_MARKS):
            await storage.marks.add(world.guild.id, 1_764_000_000 + number, "patch")
        await admin.slash(world.channel, "mood mark", text="patch")
        await admin.slash(world.channel, "mood marks")
        await world.alice.slash(world.channel, "mood marks")
        assert len(said_by_the_bot(world.env)) >= 9
        all_translated(world.env, NAMES)

    async def test_suggestions_are_in_the_askers_language_and_can_be_read_by_the_bot(self, world):
        offered = await world.alice.autocomplete(world.channel, "mood channel", "since", "")
        names = [choice["name"] for choice in offered]
        assert names[0] == "⟦today⟧"
        assert [name for name in names if english_left(name)] == []
        assert [choice["value"] for choice in offered][2:4] == ["24 hours", "7 days"]


async def test_each_is_answered_in_their_own_language(world, storage, pseudo_language, locales, now):
    locales[world.maya.id] = "sv-SE"
    await write(storage, world.guild.id, world.channel.id, [said(hour, 10) for hour in range(now - 24, now)])
    hers = await world.maya.slash(world.channel, "mood channel")
    his = await world.alice.slash(world.channel, "mood channel")
    assert "⟦in the last⟧ 7 ⟦days⟧" in hers.response.content
    assert "in the last 7 days" in his.response.content
    assert "⟦" not in his.response.content


async def test_times_may_be_typed_in_ones_own_language(world, storage, locales, now):
    locales[world.alice.id] = "de"
    await storage.guilds.set_settings(GuildSettings(world.guild.id, timezone="Europe/Berlin"))
    await write(storage, world.guild.id, world.channel.id, [said(hour, 10) for hour in range(now - 48, now)])
    for typed in ("vor 3 Stunden", "3 hours ago"):
        answer = await world.alice.slash(world.channel, "mood channel", since=typed)
        assert answer.response.attachments
    answer = await world.maya.slash(world.channel, "mood channel", since="vor 3 Stunden")
    assert "I don't understand" in answer.response.content


TYPED = {
    "de": (
        ("heute", "2026-11-25T00:00"), ("Gestern", "2026-11-24T00:00"), ("vorgestern", "2026-11-23T00:00"),
        ("montag", "2026-11-23T00:00"), ("Mittwoch", "2026-11-25T00:00"), ("letzten Mittwoch", "2026-11-18T00:00"),
        ("seit Donnerstag", "2026-11-19T00:00"), ("vor 3 Tagen", "2026-11-22T01:00"), ("7 Tage", "2026-11-18T01:00"),
        ("vor einer Woche", "2026-11-18T01:00"), ("letzte 24 Stunden", "2026-11-24T01:00"),
        ("1. November", "2026-11-01T00:00"), ("1.11.2026", "2026-11-01T00:00"), ("1.11.", "2026-11-01T00:00"),
        ("am 1. November um 18 Uhr", "2026-11-01T18:00"), ("gestern um 17:00", "2026-11-24T17:00"),
        ("März", "2026-03-01T00:00"),
    ),
    "es": (
        ("hoy", "2026-11-25T00:00"), ("ayer", "2026-11-24T00:00"), ("anteayer", "2026-11-23T00:00"),
        ("el lunes", "2026-11-23T00:00"), ("miercoles", "2026-11-25T00:00"), ("miércoles pasado", "2026-11-18T00:00"),
        ("hace 3 días", "2026-11-22T01:00"), ("los últimos 7 días", "2026-11-18T01:00"),
        ("hace una semana", "2026-11-18T01:00"), ("1 de noviembre de 2026", "2026-11-01T00:00"),
        ("1/11/2026", "2026-11-01T00:00"), ("ayer a las 17:00", "2026-11-24T17:00"),
        ("ayer a mediodía", "2026-11-24T12:00"), ("desde el jueves", "2026-11-19T00:00"),
    ),
    "fr": (
        ("aujourd\N{RIGHT SINGLE QUOTATION MARK}hui", "2026-11-25T00:00"), ("hier", "2026-11-24T00:00"),
        ("avant-hier", "2026-11-23T00:00"), ("mercredi dernier", "2026-11-18T00:00"), ("jeudi", "2026-11-19T00:00"),
        ("il y a 3 jours", "2026-11-22T01:00"), ("les 7 derniers jours", "2026-11-18T01:00"),
        ("la semaine dernière", "2026-11-18T01:00"), ("1er novembre", "2026-11-01T00:00"),
        ("hier à 17h", "2026-11-24T17:00"), ("depuis lundi", "2026-11-23T00:00"),
    ),
    "ja": (
        ("今日", "2026-11-25T00:00"), ("昨日", "2026-11-24T00:00"), ("おととい", "2026-11-23T00:00"),
        ("月曜日", "2026-11-23T00:00"), ("木曜", "2026-11-19T00:00"), ("前回の水曜日", "2026-11-18T00:00"),
        ("3日前", "2026-11-22T01:00"), ("三日前", "2026-11-22T01:00"), ("過去7日間", "2026-11-18T01:00"),
        ("\N{FULLWIDTH DIGIT TWO}週間", "2026-11-11T01:00"), ("先週", "2026-11-18T01:00"),
        ("11月1日", "2026-11-01T00:00"), ("2026年11月1日", "2026-11-01T00:00"), ("昨日の17時", "2026-11-24T17:00"),
        ("昨日から", "2026-11-24T00:00"),
    ),
    "pl": (
        ("dziś", "2026-11-25T00:00"), ("wczoraj", "2026-11-24T00:00"), ("przedwczoraj", "2026-11-23T00:00"),
        ("poniedziałek", "2026-11-23T00:00"), ("od czwartku", "2026-11-19T00:00"), ("środa", "2026-11-25T00:00"),
        ("w zeszłą środę", "2026-11-18T00:00"), ("3 dni temu", "2026-11-22T01:00"),
        ("trzy dni temu", "2026-11-22T01:00"),
        ("ostatnie 7 dni", "2026-11-18T01:00"), ("tydzień temu", "2026-11-18T01:00"),
        ("1 listopada", "2026-11-01T00:00"), ("wczoraj o 17:00", "2026-11-24T17:00"),
    ),
    "pt_BR": (
        ("hoje", "2026-11-25T00:00"), ("ontem", "2026-11-24T00:00"), ("anteontem", "2026-11-23T00:00"),
        ("quinta-feira", "2026-11-19T00:00"), ("quarta passada", "2026-11-18T00:00"), ("há 3 dias", "2026-11-22T01:00"),
        ("últimos 7 dias", "2026-11-18T01:00"), ("1º de novembro", "2026-11-01T00:00"),
        ("ontem às 17h", "2026-11-24T17:00"), ("desde segunda-feira", "2026-11-23T00:00"),
    ),
    "tr": (
        ("bugün", "2026-11-25T00:00"), ("dün", "2026-11-24T00:00"), ("evvelsi gün", "2026-11-23T00:00"),
        ("pazartesiden beri", "2026-11-23T00:00"), ("SALI", "2026-11-24T00:00"), ("geçen çarşamba", "2026-11-18T00:00"),
        ("3 gün önce", "2026-11-22T01:00"), ("son 7 gün", "2026-11-18T01:00"), ("bir hafta önce", "2026-11-18T01:00"),
        ("1 Kas\N{LATIN SMALL LETTER DOTLESS I}m 2026", "2026-11-01T00:00"), ("dün saat 17:00", "2026-11-24T17:00"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "typed", "start"), [(language, *row) for language, rows in TYPED.items() for row in rows]
)
def test_what_people_type_in_their_language_is_read_in_the_servers_time(language, typed, start):
    with speaking(language):
        assert read_since(typed, BERLIN, NOW).first_hour == local(start)
    with pytest.raises(NoSuchTime):
        read_since(typed, BERLIN, NOW)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("7 days", "2026-11-18T01:00"),
        ("since Thursday", "2026-11-19T00:00"),
        ("last tuesday", "2026-11-24T00:00"),
        ("march", "2026-03-01T00:00"),
        ("2026-11-01", "2026-11-01T00:00"),
        ("yesterday at 5pm", "2026-11-24T17:00"),
    ],
)
def test_english_is_understood_of_everybody(language, typed, start):
    with speaking(language):
        assert read_since(typed, BERLIN, NOW).first_hour == local(start)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize(
    "typed",
    [
        "32/13",
        "99",
        "17.30",
        "31.2.",
        "1700000000",
        "qwertz",
        "tomorrow",
        "-3",
        "in 3 days",
        "in 3 tagen",
        "3日後",
        "**@everyone**",
    ],
)
def test_nothing_is_guessed_in_any_language(language, typed):
    with speaking(language), pytest.raises(NoSuchTime):
        read_since(typed, BERLIN, NOW)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_suggested_can_be_read_in_every_language(language):
    with speaking(language):
        found = suggested("")
        assert len(found) == 6
        for shown_there, text in found:
            assert read_since(shown_there, BERLIN, NOW).first_hour == read_since(text, BERLIN, NOW).first_hour
            assert (shown_there, text) in suggested(text.upper())


@pytest.mark.parametrize(
    ("language", "typed", "seconds"),
    [
        ("en", "now", 0),
        ("en", "90 minutes ago", 5400),
        ("de", "jetzt", 0),
        ("de", "vor 90 Minuten", 5400),
        ("de", "90 minutes ago", 5400),
        ("es", "hace 3 horas", 10_800),
        ("fr", "il y a 3 heures", 10_800),
        ("ja", "3時間前", 10_800),
        ("pl", "3 godziny temu", 10_800),
        ("pt_BR", "há 3 horas", 10_800),
        ("tr", "3 saat önce", 10_800),
        ("tr", "şimdi", 0),
    ],
)
def test_an_event_of_so_long_ago_is_read_in_every_language(language, typed, seconds):
    with speaking(language):
        assert read_instant(typed, ZoneInfo("UTC"), NOW) == int(NOW) - seconds


def test_what_a_range_is_called_is_in_the_language(pseudo_language):
    with speaking(PSEUDO):
        for typed in ("today", "yesterday", "monday", "2026-11-01", "1 hour", "2 weeks", "3 months", "1 year", "noon"):
            assert english_left(read_since(typed, BERLIN, NOW).words) == []
        assert "⟦November⟧" in read_since("nov 1", BERLIN, NOW).words
        assert list(shown({"content": read_since("2 days", BERLIN, NOW).words})) == ["⟦in the last⟧ 2 ⟦days⟧"]
