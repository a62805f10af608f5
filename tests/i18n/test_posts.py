"""What the bot posts by itself is in the server's language, and who presses a button there is answered in theirs."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import discord
import pytest
from sqlalchemy import update

from bot.alerts import job as alert_job
from bot.alerts import picture
from bot.alerts.buttons import TAKEN
from bot.alerts.embed import Named, alert_embed, footer, over_footer, recovered_embed
from bot.alerts.webhooks import WebhookJob
from bot.analytics.baseline import Baseline
from bot.digests.embed import ChannelPart, digest_embed
from bot.digests.periods import latest_due
from bot.domain.records import Alert, DigestKind, Gap, HourMood
from bot.i18n import in_every_language, speaking
from bot.mod_channel import MOST_REFUSALS
from bot.storage.alert_holds import Hold
from bot.storage.schema import AlertRow
from bot.ui.components import parts
from bot.ui.happened_button import WORST, HappenedButton
from tests.bot.alerts.test_job import Scene as AlertScene
from tests.bot.alerts.test_job import storm
from tests.bot.alerts.test_webhooks import Hooked, keep
from tests.bot.digests.test_job import NINE
from tests.bot.digests.test_job import Scene as DigestScene
from tests.bot.parts import Stopwatch
from tests.bot.pasts import said
from tests.bot.ui.test_happened_button import SCORES
from tests.bot.ui.test_happened_button import Scene as HappenedScene
from tests.i18n.pseudo import LOCALE, PSEUDO, english_left, id_of, pseudo

pytestmark = pytest.mark.usefixtures("pseudo_language")

ALERT = Alert(12, 1, 2, 3, -600, 100, 1_764_000_000, 1_764_000_100, None, 1_764_000_200)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def alerts(world, bot, storage, monkeypatch):
    """A server whose posts are in the made-up language; its alerts come without a chart."""
    monkeypatch.setattr(picture, "LONGEST", 0.0)
    Stopwatch(monkeypatch, alert_job)
    scene = AlertScene(world, bot, storage)
    scene.settings = replace(scene.settings, language=PSEUDO)
    return scene


@pytest.fixture
async def moderator(world):
    role = world.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    return world.guild.add_member(world.env.create_user("mo"), roles=[role])


def words_of(embed):
    """All that an embed says."""
    fields = [text for field in embed.fields for text in (field.name, field.value)]
    return "\n".join(filter(None, (embed.title, embed.description, embed.footer.text, *fields)))


def buttons_of(post):
    """All that is said on what can be pressed under a post."""
    found = []
    for part in parts(post.components):
        found += [getattr(part, "label", None), getattr(part, "placeholder", None)]
        found += [option.label for option in getattr(part, "options", [])]
    return "\n".join(filter(None, found))


# ---- alerts


@pytest.mark.parametrize("named", [Named(), Named(7, 8)])
def test_an_alert_with_all_that_was_said_to_it_is_translated(named):
    with speaking(PSEUDO):
        words = words_of(alert_embed(ALERT, Hold(1_764_009_000, None), named))
    assert english_left(words) == []
    assert words.count("⟦Alert⟧ 12") == 1


@pytest.mark.parametrize("hour", [None, HourMood(1, 0, 20, 0, 0, 0, 9)])
def test_a_recovery_is_translated(hour):
    with speaking(PSEUDO):
        words = words_of(recovered_embed(ALERT, ALERT.started + 3 * 3600 + 120, hour))
    assert english_left(words) == []
    assert "3 ⟦hours⟧ 2 ⟦minutes⟧" in words


@pytest.mark.parametrize(("locale", "told"), [("en-US", TAKEN), (LOCALE, pseudo(TAKEN))])
async def test_a_post_is_in_the_servers_language_and_who_presses_is_answered_in_theirs(
    alerts, moderator, locales, locale, told
):
    locales[moderator.id] = locale
    post = await storm(alerts)
    assert english_left(f"{words_of(post.embeds[0])}\n{buttons_of(post)}") == []
    await alerts.storage.alerts.acknowledge(alerts.world.guild.id, 1)  # by somebody else, in this moment
    answer = await moderator.click(post, custom_id="alert:1")
    assert answer.followups[0].content == told
    await moderator.click(alerts.posts()[0], custom_id="alert:false:1")
    await moderator.select(alerts.posts()[0], ["8"])
    (changed,) = alerts.posts()
    assert len(changed.embeds[0].fields) == 3
    assert english_left(f"{words_of(changed.embeds[0])}\n{buttons_of(changed)}") == []


async def test_in_an_english_server_a_post_stays_english_whoever_presses(alerts, moderator, locales):
    alerts.settings = replace(alerts.settings, language="")
    locales[moderator.id] = LOCALE
    post = await storm(alerts)
    await moderator.click(post, label="I'm on it")
    (post,) = alerts.posts()
    assert post.embeds[0].title == "The mood has dropped"
    assert [field.name for field in post.embeds[0].fields] == ["On it"]
    assert buttons_of(post).startswith("What happened?\nFalse alarm\n")


async def test_an_alert_that_was_posted_in_another_language_is_found_and_not_posted_again(alerts):
    await alerts.prepare()
    await alerts.add(said(alerts.hour, 40, -0.6), said(alerts.hour + 1, 40, -0.6))
    await alerts.tick()
    for language in ("", PSEUDO):  # first another one since, then the one of before
        async with alerts.storage.database.write() as connection:
            await connection.execute(update(AlertRow).values(post_id=None))
        await alerts.storage.guilds.set_settings(replace(alerts.settings, language=language))
        await alerts.tick(1)
        assert len(alerts.posts()) == 1


def test_footers_are_known_in_every_language():
    assert {"Alert 12", "⟦Alert⟧ 12"} <= in_every_language(lambda: footer(12))
    assert {"Alert 12, over", "⟦Alert⟧ 12, ⟦over⟧"} <= in_every_language(lambda: over_footer(12))
    assert not in_every_language(lambda: footer(12)) & in_every_language(lambda: over_footer(12))


async def test_what_a_webhook_posts_is_in_the_servers_language(home, bot):
    hooked = Hooked(home, WebhookJob(bot.services))
    await home.env.settle()
    await keep(hooked)
    settings = await hooked.storage.guilds.settings(home.guild.id)
    await hooked.storage.guilds.set_settings(replace(settings, language=PSEUDO))
    await hooked.alert()
    await hooked.tick()
    (post,) = hooked.posts()
    assert english_left(words_of(post)) == []


# ---- digests


def hours(mean, people=10, number=12):
    """Hours of a channel as they are told, with that mean."""
    thousandths = round(mean * 1000)
    return [HourMood(490_000 + n, 5, 20, 15, 40 * thousandths, 40 * thousandths**2, people) for n in range(number)]


@pytest.mark.parametrize("mean", [-0.5, -0.1, 0.1, 0.5])
@pytest.mark.parametrize("alerts", [0, 1, 2])
def test_a_digest_of_channels_is_translated(mean, alerts):
    usual = Baseline(hours(0.0, number=200), BERLIN)
    period = latest_due(DigestKind.WEEKLY, 9, BERLIN, NINE)
    known = [ChannelPart(2, hours(mean), usual, alerts), ChannelPart(3, (), None, 0, hours(0.2, number=2))]
    gap = Gap(None, period.first_hour * 3600, period.first_hour * 3600 + 7200)
    with speaking(PSEUDO):
        embed = digest_embed(period, [*known, ChannelPart(4, (), None, alerts)], [gap], 20, 33, left_out=True)
    assert english_left(words_of(embed), [period.key]) == []
    assert "⟦messages⟧" in words_of(embed)


@pytest.mark.parametrize("unread", [None, 50])
@pytest.mark.parametrize("left_out", [True, False])
def test_a_digest_of_nothing_is_translated(unread, left_out):
    with speaking(PSEUDO):
        period = latest_due(DigestKind.DAILY, 9, BERLIN, NINE)
        words = words_of(digest_embed(period, [], [], 20, unread, left_out=left_out))
    assert english_left(words) == []


async def test_a_digest_is_posted_in_the_servers_language_and_found_in_every(world, bot, storage):
    scene = DigestScene(world, bot, storage)
    await scene.prepare(mean=-0.2, language=PSEUDO)
    await scene.tick()
    (post,) = scene.mods.history()
    assert english_left(f"{words_of(post.embeds[0])}\n{buttons_of(post)}") == []
    async with storage.database.write() as connection:
        await connection.exec_driver_sql("UPDATE digests SET sent = NULL")
    await storage.guilds.set_settings(replace(scene.settings, language="de"))
    await scene.tick(NINE + 60)
    assert len(scene.embeds()) == 1
    assert await storage.alerts.unfinished_digests() == ()


# ---- What happened?


async def test_what_happened_is_said_in_the_language_of_whoever_presses(world, storage, locales):
    scene = HappenedScene(world, storage)
    await world.env.settle()
    await scene.watch()
    locales[scene.mo.id] = LOCALE
    with speaking(PSEUDO):
        assert english_left(await pressed(scene)) == []
        await scene.write(SCORES)
        found = await pressed(scene)
        assert found.startswith(pseudo(WORST))
        assert english_left(found) == []


async def pressed(scene):
    """What the moderator is told; the post's button is in the language that is spoken here."""
    view = discord.ui.View(timeout=None)
    view.add_item(HappenedButton(scene.channel.id, scene.hour, scene.hour + 1, worst=True))
    await scene.world.env.bot.get_channel(scene.posts.id).send("!", view=view)
    await scene.world.env.settle()
    post = scene.posts.history()[-1]
    assert english_left(buttons_of(post)) == []
    answer = await scene.mo.click(post, custom_id=id_of(scene.world.env, post, "happened:"))
    return answer.response.content


# ---- a mod channel that cannot be used


async def test_the_owner_is_told_in_the_servers_language(alerts, env):
    await alerts.prepare()
    await alerts.add(*(said(alerts.hour + number, 40, -0.6) for number in range(4)))
    env.inject_error("POST", f"/channels/{alerts.mods.id}/messages", status=403, code=50013, times=None)
    for minutes in range(1, MOST_REFUSALS + 2):
        await alerts.tick(minutes=minutes)
    (note,) = alerts.world.guild.owner.dm_channel.history()
    assert english_left(note.content, ["Home"]) == []
    with speaking(PSEUDO):
        assert english_left(alerts.bot.services.mod_channels.trouble(alerts.mods.id)) == []
