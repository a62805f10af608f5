"""Forged and stale buttons: answered once, to whoever pressed alone, with nothing done and nothing in the log."""

import logging

import discord
import pytest
import simcord
from simcord import interactions
from simcord.backend import serializers
from simcord.enums import InteractionType

from bot.alerts.buttons import FORGOTTEN as NO_SUCH_ALERT
from bot.alerts.buttons import MODERATORS_ONLY
from bot.presentation.error_words import GONE, NOT_HERE
from bot.storage.schema import AlertRow, AuditRow, FeedbackRow
from bot.ui.explain_button import FORGOTTEN
from bot.ui.feedback_buttons import NOT_YOURS
from tests.bot.storage.scenes import rows_of

BUTTON, SELECT = 2, 3
ELSEWHERE = "123456789012345678"
OURS = (
    "why:0123456789abcdef",
    "feedback:0:2:9999:evil",
    "feedback:2:2:-9999:" + "m" * 64,
    "feedback:wrong:2:5:m",
    "undo:1:2:2:5:m",
    "alert:1",
    "alert:999999999999999999",
    "privacy:delete",
)
NOBODYS = (
    "",
    "unknown",
    "why:",
    "why:0123456789abcdef0",
    "why:0123456789ABCDEF",
    "feedback:3:0:1:m",
    "feedback:0:0:1:../..",
    "feedback:0:0:10000:m",
    "alert:-1",
    "alert:1000000000000000000",
    "privacy:delete:80351110224678912",
    "privacy:delete\n",
    "\N{GRINNING FACE}" * 50,
    "%s{0}" * 20,
)


@pytest.fixture
async def press(home):
    """Somebody presses what has that id; the message holds it if `there`."""

    async def press(custom_id, *, by=None, there=True, kind=BUTTON, at=None, change=None):
        backend, who = home.env.backend, by or home.alice
        message = at or home.env.backend.create_message(home.general.id, home.bot.user.id, "a post")
        record, payload = interactions.base_payload(
            backend,
            type=InteractionType.MESSAGE_COMPONENT,
            channel_id=home.general.id,
            guild_id=home.guild.id,
            user_id=who.id,
            data={"custom_id": custom_id, "component_type": kind},
        )
        record.source_message_id = message.id
        shown = dict(serializers.message_payload(backend, backend.get_message(home.general.id, message.id)))
        if there:
            pressed = {"type": kind, "custom_id": custom_id, "style": 1, "label": "x", "options": []}
            shown["components"] = [{"type": 1, "components": [pressed]}]
        payload["message"] = shown
        if change is not None:
            change(payload)
        backend.emit("INTERACTION_CREATE", payload)
        await home.env.settle()
        return simcord.InteractionResult(home.env, record)

    return press


@pytest.fixture(autouse=True)
async def quietly(home, caplog):
    """Nothing is written, and nothing is said that an operator would have to look at."""
    caplog.set_level(logging.INFO)
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    for row in (FeedbackRow, AlertRow, AuditRow):
        assert await rows_of(home.storage.database, row) == []


def callbacks(home):
    return sum(entry.method == "POST" and entry.path.endswith("/callback") for entry in home.env.http_requests)


def only_word(answer):
    """What is said, which is one thing, to the one who pressed."""
    (said,) = answer.followups or [answer.response]
    assert said.ephemeral
    return said.content


@pytest.mark.parametrize("custom_id", [*OURS, *NOBODYS])
async def test_what_is_not_in_the_message_is_answered_once(home, press, custom_id):
    """On somebody else's message, and on an answer of the bot's own that has other buttons."""
    answer = await home.alice.slash(home.general, "sentiment", text="what a lovely day")
    for message in (await home.maya.send(home.general, "hello"), answer.response):
        before = callbacks(home)
        assert only_word(await press(custom_id, there=False, at=message)) == GONE
        assert callbacks(home) == before + 1


@pytest.mark.parametrize("custom_id", NOBODYS[1:])
async def test_what_a_former_version_had_posted_is_answered_once(home, press, custom_id):
    assert only_word(await press(custom_id)) == GONE
    assert callbacks(home) == 1


@pytest.mark.parametrize(
    ("custom_id", "said"),
    [
        (OURS[0], FORGOTTEN),
        *((custom_id, NOT_YOURS) for custom_id in OURS if custom_id.startswith("feedback")),
        *((custom_id, MODERATORS_ONLY) for custom_id in OURS if custom_id.startswith("alert")),
    ],
)
async def test_an_id_that_could_be_ours_leads_to_nothing_of_anybodys(home, press, custom_id, said):
    assert only_word(await press(custom_id)) == said
    assert callbacks(home) == 1


async def test_a_moderator_who_makes_up_the_number_of_an_alert_is_told_so(home, press):
    role = home.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    moderator = home.guild.add_member(home.env.create_user("mo"), roles=[role])
    await home.env.settle()
    for number in ("1", "999999999999999999"):
        assert only_word(await press(f"alert:{number}", by=moderator)) == NO_SUCH_ALERT


async def test_a_moderator_of_a_server_that_the_bot_is_not_in_changes_no_alert(home, press):
    def elsewhere(payload):
        payload |= {"guild_id": ELSEWHERE, "guild": {"id": ELSEWHERE, "locale": "en-US", "features": []}}
        payload["member"] = {**payload["member"], "permissions": str(discord.Permissions.all().value)}

    assert only_word(await press("alert:1", change=elsewhere)) == NOT_HERE


@pytest.mark.parametrize(("custom_id", "said"), [(OURS[0], FORGOTTEN), ("unknown", GONE)])
async def test_a_menu_with_the_id_of_a_button_is_answered_once(home, press, custom_id, said):
    assert only_word(await press(custom_id, kind=SELECT)) == said
    assert callbacks(home) == 1


async def test_a_form_that_nobody_was_shown_is_answered_once(home, press):
    def as_form(payload):
        payload["type"], payload["data"] = 5, {"custom_id": "privacy:delete", "components": []}

    assert only_word(await press("privacy:delete", change=as_form)) == GONE
    assert callbacks(home) == 1


async def test_it_is_not_tried_again_when_discord_does_not_take_the_answer(home, press, caplog):
    home.env.inject_error("POST", "/interactions/*/callback", status=404, code=10062)
    assert not (await press("unknown")).acknowledged
    assert callbacks(home) == 1
    assert "was not answered (10062)" in caplog.text
