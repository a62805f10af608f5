"""`/setup` in the language of whoever uses it, and the greeting in that of the server."""

from datetime import UTC, datetime

import discord
import pytest

from bot.commands.setup.zones import label, offered
from bot.domain.records import DigestKind, GuildSettings
from bot.i18n import speaking
from tests.bot.commands.monitor.fullwidth import english_in, wide
from tests.bot.commands.monitor.test_looks_in_other_languages import HIDDEN, SEEN, japanese, translated  # noqa: F401
from tests.bot.commands.test_setup import join, raw, select, texts
from tests.bot.parts import monitoring_of


def every_text(message):
    """All that a form shows: words, placeholders and labels."""
    found = [texts(message)]
    for row in raw(message):
        for child in row.get("components", ()):
            found += [child.get("placeholder") or "", child.get("label") or ""]
            found += [option["label"] for option in child.get("options", ())]
    return "\n".join(found)


def from_server(home, locale):
    """The server's own language at Discord."""
    guild = home.env.backend.guilds[home.guild.id]
    guild.preferred_locale, guild.system_channel_id = locale, home.general.id


async def test_the_whole_form_is_in_the_language_of_whoever_asks(japanese):  # noqa: F811
    home = japanese
    home.guild.create_text_channel("mods")
    deny = {home.guild.me: discord.PermissionOverwrite(send_messages=False)}
    locked = home.guild.create_text_channel("locked", overwrites=deny)
    form = await home.adam.slash(home.general, "setup")
    await home.adam.select(form.response, [locked], custom_id="setup:channels")
    await home.adam.select(form.response, [locked], custom_id="setup:mods")
    shown = every_text(form.response)
    assert english_in(shown, "UTC") == []
    for part in (
        wide("Start watching"),
        wide("Nobody"),
        wide("Weekly, on Monday"),
        f"⚠️ {wide('In')} {locked.mention} ",
        wide("Everybody can read"),
        "ニューヨーク",
    ):
        assert part in shown, part
    chosen = next(option for option in select(form.response, "zone")["options"] if option.get("default"))
    assert chosen["value"] == "Asia/Tokyo"


async def test_what_was_done_is_said_in_the_language_of_whoever_asked(japanese):  # noqa: F811
    home = japanese
    deny = {home.guild.me: discord.PermissionOverwrite(send_messages=False)}
    locked = home.guild.create_text_channel("locked", overwrites=deny)
    form = await home.adam.slash(home.general, "setup")
    await home.adam.select(form.response, [locked], custom_id="setup:mods")
    await home.adam.click(form.response, custom_id="setup:start")
    shown = texts(form.response)
    assert english_in(shown) == []
    for part in (f"### {wide('Almost: some things need a click')}", wide("No alerts yet: in"), wide("Watching")):
        assert part in shown, part
    hidden = {home.guild.default_role: HIDDEN, home.adam: SEEN, home.guild.me: SEEN}
    mods = home.guild.create_text_channel("mods", overwrites=hidden)
    form = await home.adam.slash(home.general, "setup")
    await home.adam.select(form.response, [mods], custom_id="setup:mods")
    await home.adam.select(form.response, [DigestKind.DAILY.value], custom_id="setup:digest")
    await home.adam.click(form.response, custom_id="setup:start")
    assert english_in(texts(form.response)) == []
    assert wide("Daily digest: on.") in texts(form.response)


async def test_the_greeting_is_in_the_servers_language_and_the_form_in_that_of_whoever_presses(
    home,
    translated,  # noqa: F811
):
    from_server(home, "ja")
    await join(home)
    (hello,) = home.general.history()
    assert english_in(hello.content) == []
    assert f"{wide('a score for each message for')} 7 {wide('days')}" in hello.content
    (button,) = hello.components[0].children
    assert button.label == wide("Set me up")
    form = await home.adam.click(hello, custom_id="setup:begin")
    assert "Set up Vibecheck" in texts(form.response)
    assert select(form.response, "zone")["options"][0]["value"] == "America/New_York"


async def test_an_english_server_is_greeted_in_english_whoever_is_in_it(japanese):  # noqa: F811
    from_server(japanese, "en-US")
    await join(japanese)
    (hello,) = japanese.general.history()
    assert hello.content.startswith("**Hi, I'm Vibecheck.**")
    form = await japanese.adam.click(hello, custom_id="setup:begin")
    assert english_in(every_text(form.response), "UTC") == []


async def test_where_the_inviter_is_greeted_instead_it_is_in_the_servers_language_too(home, translated):  # noqa: F811
    from_server(home, "ja")
    backend = home.env.backend
    backend.guilds[home.guild.id].system_channel_id = None
    backend.record_audit_log(
        home.guild.id, discord.AuditLogAction.bot_add.value, target_id=home.guild.me.id, user_id=home.adam.id
    )
    await join(home)
    (hello,) = home.adam.user.dm_channel.history()
    assert english_in(hello.content, "Home") == []
    assert f"{wide('You added me to')} **Home**." in hello.content


@pytest.mark.parametrize("command", ["setup", "start"])
async def test_a_time_zone_that_is_lost_keeps_nobody_from_the_form(home, storage, command):
    """The form shows no zone then, and begins with UTC, by which everything is counted meanwhile."""
    await storage.guilds.set_settings(GuildSettings(home.guild.id, timezone="Europe/Berlin"))
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE guild_settings SET timezone = 'Mars/Olympus'")
    monitoring_of(home.bot).rules._settings.clear()
    form = await home.adam.slash(home.general, "setup")
    assert "Set up Vibecheck" in texts(form.response)
    assert not any(option.get("default") for option in select(form.response, "zone")["options"])
    if command == "start":
        await home.adam.click(form.response, custom_id="setup:start")
        assert "All set" in texts(form.response)
        assert (await storage.guilds.settings(home.guild.id)).timezone == "UTC"


def test_a_zone_is_shown_by_its_city_and_what_its_clocks_show(translated):  # noqa: F811
    now = datetime(2026, 5, 3, 12, 5, tzinfo=UTC).timestamp()
    assert label("America/New_York", now) == "New York: it's 08:05, Sun"
    with speaking("ja"):
        assert english_in(label("America/New_York", now)) == []
        assert label("America/New_York", now).startswith("ニューヨーク: ")
    assert "Mars/Olympus" not in offered("Mars/Olympus", "UTC")
