"""What is shown under `/monitor`, for an admin whose Discord isn't in English."""

import io
from dataclasses import replace
from gettext import GNUTranslations, NullTranslations

import discord
import pytest
import simcord
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from bot.analytics.backtest import BacktestAlert
from bot.commands.monitor.backfill import Do, progress_in_words
from bot.commands.monitor.replay import replay_words
from bot.domain.backfill import Backfill, BackfillState
from bot.domain.records import Absence, GapCause, GuildSettings, HourMood, Mode, Rule, Sensitivity, TargetKind
from bot.i18n import speaking
from bot.i18n.formats import capitalised, city, series
from bot.learning import Progress, in_words
from bot.storage.errors import DatabaseUnavailable
from model import Unreadable
from tests.bot.commands.monitor.fullwidth import FullwidthTranslations, english_in, wide
from tests.bot.commands.monitor.test_looks import BAD, GOOD, PLAIN
from tests.bot.parts import monitoring_of, overwrite
from tests.bot.pasts import hour_now, said, write

HIDDEN, SEEN = (discord.PermissionOverwrite(view_channel=seen) for seen in (False, True))


@pytest.fixture
def translated(monkeypatch):
    """Japanese is in wide letters; its dates and numbers, which have none, are Babel's."""
    there = {"en": NullTranslations(), "ja": FullwidthTranslations()}
    monkeypatch.setattr("bot.i18n.catalogue.catalogue", there.__getitem__)


@pytest.fixture
def japanese(home, translated, monkeypatch):
    """Everybody's Discord is in Japanese."""
    plain = simcord.interactions.base_payload

    def with_locale(*given, **more):
        record, payload = plain(*given, **more)
        return record, payload | {"locale": "ja"}

    monkeypatch.setattr(simcord.interactions, "base_payload", with_locale)
    return home


async def look(home, command, **options):
    """What an admin is shown, and of an embed its title, description and footer, and its fields by name."""
    answer = await home.adam.slash(home.general, f"monitor {command}", **options)
    if not answer.response.embeds:
        return answer.response.content, {}
    (embed,) = answer.response.embeds
    own = (embed.title, embed.description, embed.footer.text if embed.footer else None)
    return "\n".join(filter(None, own)), {field.name: field.value for field in embed.fields}


async def begin(home, channel, **options):
    """Has a channel watched, whatever is answered."""
    await home.adam.slash(home.general, "monitor enable", channel=channel, **options)


# ---- /monitor doctor


async def test_the_whole_doctor_speaks_the_language_of_whoever_asks(japanese, storage):
    """Nothing is left in English but a name."""
    home, rules = japanese, monitoring_of(japanese.bot).rules
    await begin(home, home.general)
    locked = home.guild.create_text_channel("locked")
    mods = home.guild.create_text_channel("mods")
    quiet = home.guild.create_text_channel(
        "quiet", overwrites={home.guild.default_role: HIDDEN, home.adam: SEEN, home.guild.me: SEEN}
    )
    secret = home.guild.create_text_channel("secret", overwrites={home.guild.default_role: HIDDEN, home.guild.me: SEEN})
    sealed = home.guild.create_text_channel("sealed", overwrites={home.guild.default_role: HIDDEN, home.guild.me: SEEN})
    await home.env.settle()
    for channel in (locked, quiet, secret, sealed):
        await rules.set_rule(Rule(home.guild.id, TargetKind.CHANNEL, channel.id, Mode.WATCH, tagging=True))
    gone = Rule(home.guild.id, TargetKind.ROLE, 4711, Mode.EXEMPT)
    await rules.set_rule(gone)
    await overwrite(home.env, locked, home.guild.me, view_channel=False, add_reactions=False)
    await overwrite(home.env, mods, home.guild.me, embed_links=False)
    await overwrite(home.env, sealed, home.guild.me, view_channel=True, send_messages=False)
    await rules.set_settings(GuildSettings(home.guild.id, mod_channel_id=mods.id))
    rules._settings.clear()
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE guild_settings SET timezone = 'Mars/Olympus'")
    hour = hour_now(home.env)
    await write(storage, home.guild.id, home.general.id, [said(hour - 2, 8, 0.1, unread=40)])
    shown, fields = await look(home, "doctor")
    assert fields == {}
    assert english_in(shown, "Mars/Olympus") == []
    assert shown.startswith(wide("Needs fixing"))
    for part in (
        "**{}** ({})".format(wide("View Channel"), wide("to get the messages at all")),
        f"❌ {wide('In')} {locked.mention} ",
        wide("This machine doesn't know the time zone"),
        wide("The mod channel: in"),
        f"❌ 1 {wide('more, in channels you')}",
        f"🔇 2 {wide('more, in channels you')}",
        f"🔇 {wide('Alerts and digests leave out')} {quiet.mention}",
        wide("of the messages in"),
        f"✅ 1 {wide('rule was about deleted channels or roles')}",
        f"✅ 3 {wide('watched channels are fine')}",
        f"🔔 {wide('Watching')} ",
    ):
        assert part in shown, part


async def test_the_doctor_of_what_is_in_order_speaks_it_too(japanese):
    home = japanese
    shown, _ = await look(home, "doctor")
    assert (
        shown
        == f"{wide('Everything works')}\n{wide('✅ I')}'{wide('m not watching anything yet. Use')} `/setup` "
        + wide("to start.")
    )
    mods = home.guild.create_text_channel("mods")
    await home.env.settle()
    await monitoring_of(home.bot).rules.set_settings(GuildSettings(home.guild.id, mod_channel_id=mods.id))
    await begin(home, home.general)
    shown, _ = await look(home, "doctor")
    assert english_in(shown) == []
    assert f"✅ {wide('The mod channel')} {mods.mention} {wide('is fine.')}" in shown


# ---- /monitor status


async def test_the_status_is_in_the_language_of_whoever_asks(japanese, storage):
    home, watch = japanese, monitoring_of(japanese.bot)
    await begin(home, home.general)
    await watch.rules.set_settings(GuildSettings(home.guild.id, links=False))
    await storage.holds.snooze(home.guild.id, home.general.id, 3600)
    now = int(storage.clock.now())
    await storage.gaps.add(Absence(GapCause.OFF), now - 7200, now - 3600)
    watch.downtime.away(Absence(GapCause.HIDDEN, home.guild.id, home.general.id))
    storage.write_buffer.counts.dropped_deletions = 1200
    storage.write_buffer.backlog.failed(DatabaseUnavailable("The disk is full."), 0)
    hour = hour_now(home.env)
    await write(storage, home.guild.id, home.general.id, [said(hour - 2, 8, 0.1, unread=40)])
    shown, fields = await look(home, "status")
    storage.write_buffer.backlog.trouble = None
    rules = fields.pop(wide("More specific rules win"))
    assert wide("watched") in rules
    assert english_in("\n".join((shown, *fields, *fields.values())), "monitor", "doctor") == []
    assert f"{home.general.mention} ({wide('set for this channel')})" in shown
    assert f"1,200 {wide('deleted messages were missed')}" in fields[wide("Since my last start")]
    assert fields[wide("Message Content Intent")] == wide("on")
    assert f"{home.general.mention}: {wide('snoozed until')} <t:" in fields[wide("Alerts")]
    assert len(fields[wide("What I missed")].splitlines()) >= 1
    assert wide("Mod channel") in fields


# ---- /monitor preview, replay and backfill


async def test_the_preview_is_in_the_language_of_whoever_asks(japanese, answers):
    home = japanese
    answers["hallo zusammen"] = Unreadable()
    answers["danger here"] = replace_danger(await home.bot.services.classifier.classify(BAD))
    texts = (GOOD, BAD, PLAIN, "https://example.com/a", "hallo zusammen", "danger here")
    for text in texts:
        await home.alice.send(home.general, text)
    shown, fields = await look(home, "preview")
    assert english_in("\n".join((shown, *fields, *fields.values())), *texts, "general") == []
    assert f"👍 [{wide('positive')}](" in shown
    assert f"▫️ [{wide('not rated')}](" in shown
    assert wide("I'd have tagged") + " 2 " + wide("of") + " 5" in fields


def replace_danger(verdict):
    return replace(verdict, danger=True)


@pytest.mark.parametrize("alerts", [0, 1, 2, 17])
async def test_the_replay_is_in_the_language_that_is_spoken(translated, alerts):
    hours = [HourMood(hour, 2, 20, 8, 3000, 10**7, 10) for hour in (480_000, 480_100)]
    found = [BacktestAlert(480_000 + hour, -0.7, 0.1, None if hour else 480_003) for hour in range(alerts)]
    with speaking("ja"):
        shown = replay_words("<#1>", hours, found, Sensitivity.LOW)
    assert english_in(shown) == []
    assert shown.startswith(f"{wide('With low sensitivity,')} <#1> {wide('would have had')} ")
    assert shown.count(wide("still going")) == min(15, max(0, alerts - 1))


@pytest.mark.parametrize("state", BackfillState)
async def test_how_far_the_history_is_read_is_said_in_the_language_that_is_spoken(home, translated, state):
    one = Backfill(home.guild.id, state, 28, 480_000, 480_100, messages=1200, left_out=1)
    with speaking("ja"):
        shown = progress_in_words(monitoring_of(home.bot), home.bot.get_guild(home.guild.id), one)
    assert english_in(shown) == []
    assert f"1 {wide('channel.')}" in shown
    assert "1,200" in shown


@pytest.mark.parametrize("do", Do)
async def test_what_cannot_be_done_with_a_history_is_said_in_the_language_of_whoever_asks(japanese, do):
    said_first, _ = await look(japanese, "backfill", do=do.value)
    said_then, _ = await look(japanese, "backfill", days=7)
    assert english_in(said_first) == english_in(said_then) == []
    assert said_first and said_then


async def test_why_no_history_can_be_read_yet_is_said_in_the_language_of_whoever_asks(japanese):
    await begin(japanese, japanese.general)
    shown, _ = await look(japanese, "backfill", days=7)
    assert english_in(shown) == []
    assert f"**{wide('Read Message History')}**" in shown
    assert japanese.general.mention in shown


# ---- when the first alert can come


@pytest.mark.parametrize(
    "found", [Progress(1, 1), Progress(3, 3), Progress(1, 0, 0, 480_000), Progress(3, 1, 4, 480_000)]
)
def test_when_the_first_alert_can_come_is_said_in_the_language_that_is_spoken(translated, found):
    with speaking("ja"):
        shown = in_words(found, GuildSettings(1))
    assert english_in(shown) == []
    assert ("金曜日" in shown) is (found.first is not None)


def catalogue_of(language, *messages):
    """A catalogue with these messages and no other."""
    made, file = Catalog(locale=language, charset="utf-8"), io.BytesIO()
    for english, theirs in messages:
        made.add(english, theirs)
    write_mo(file, made)
    file.seek(0)
    return GNUTranslations(file)


@pytest.mark.parametrize(
    ("channels", "begins"),
    [(1, "Śledzę 1 kanał. "), (3, "Śledzę 3 kanały. "), (12, "Śledzę 12 kanałów. "), (23, "Śledzę 23 kanały. ")],
)
def test_what_is_counted_has_the_forms_of_its_language(monkeypatch, channels, begins):
    forms = ("Śledzę {count:,} kanał.", "Śledzę {count:,} kanały.", "Śledzę {count:,} kanałów.")
    polish = catalogue_of(
        "pl",
        (("Watching {count:,} channel.", "Watching {count:,} channels."), forms),
        (
            "Learning what's normal: day {day} of {days}; first alert possible on {weekday} {date}.",
            "Pierwszy alert: {weekday}, {date}; dzień nauki {day} z {days}.",
        ),
    )
    there = {"en": NullTranslations(), "pl": polish}
    monkeypatch.setattr("bot.i18n.catalogue.catalogue", there.__getitem__)
    with speaking("pl"):
        shown = in_words(Progress(channels, 0, 2, 480_000), GuildSettings(1, mod_channel_id=2))
    assert shown.startswith(f"{begins}Pierwszy alert: piątek, 4 października; dzień nauki 2 z 7.")


# ---- how things are written


def test_what_may_follow_a_colon_begins_with_a_capital_where_it_stands_alone():
    assert capitalised("in <#1> I'm missing") == "In <#1> I'm missing"
    with speaking("tr"):
        assert capitalised("izin eksik") == "İzin eksik"
        assert capitalised("bu") == "Bu"
    assert capitalised("") == ""


def test_a_series_and_a_city_are_written_as_in_the_language_that_is_spoken():
    assert series(["a", "b", "c"]) == "a, b, c"
    assert city("America/New_York") == "New York"
    assert city("UTC") == "UTC"
    with speaking("ja"):
        assert series(["a", "b"]) == "a、b"
        assert city("Asia/Tokyo") == "東京"
        assert city("UTC") == "UTC"
    with speaking("de"):
        assert city("Europe/Moscow") == "Moskau"
