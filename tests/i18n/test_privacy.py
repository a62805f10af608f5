"""`/privacy` in the language of whoever asks: every promise is translated whole, and the file is the same for all."""

import json

import pytest

from bot.commands import privacy
from bot.commands.privacy_opt_outs import OptOut
from bot.domain.records import AdminAction, Audited, Tag
from bot.domain.snowflake import first_id_of
from bot.i18n import gettext, speaking
from bot.presentation.lists import in_messages
from model import Unreadable
from tests.bot.storage.scenes import author, publish, verdict
from tests.i18n.pseudo import LOCALE, PSEUDO, english_left, id_of, in_english

COMMANDS = ("see", "export", "delete", "opt-out", "opt-in")
ANSWERS = {name: value for name, value in vars(privacy).items() if name.isupper() and isinstance(value, str)}

pytestmark = pytest.mark.usefixtures("pseudo_language")


@pytest.fixture
async def alice(world, storage, locales):
    """Somebody whose Discord is in the made-up language, of whom everything is kept that can be."""
    locales[world.alice.id] = LOCALE
    me, now = storage.pseudonyms.author(world.alice.id), world.env.backend.clock.now()
    storage.write_buffer._clock = now.timestamp
    hour = int(now.timestamp() // 3600)
    for number in range(12):
        answer = Unreadable("Spanish") if number in {0, 1} else verdict(0.5)
        storage.write_buffer.scored(first_id_of(hour) + number, world.guild.id, 2**60 + number % 11, me, answer)
    for number in range(5):
        there = (first_id_of(hour) + 100 + number, world.guild.id, 2**60)
        storage.write_buffer.scored(*there, author(number), verdict(0.5))
    await storage.write_buffer.flush()
    await publish(storage.database, hour + 1)
    storage.write_buffer.scored(first_id_of(hour), world.guild.id, 2**60, me, verdict(-0.5), edited=5)
    await storage.write_buffer.flush()
    await storage.guilds.add_audit(Audited(world.guild.id, int(now.timestamp()), me, AdminAction.EXEMPT))
    for number in range(2):
        await storage.tags.add(Tag(first_id_of(hour) + number, "🌟", world.guild.id, 2**60, None, me))
    return world.alice


async def use(world, command, **options):
    return (await world.alice.slash(world.channel, f"privacy {command}", **options)).response


async def data_of(world, response):
    (attachment,) = response.attachments
    cdn = world.env.backend.cdn
    return json.loads(cdn.get(attachment.url.partition("?")[0]) or cdn[attachment.url])


async def test_see_is_in_the_language_of_whoever_asks_and_the_file_is_as_it_always_was(world, alice, locales):
    there = await use(world, "see")
    assert english_left(there.content) == []
    for part in ("12 ⟦messages⟧", "⟦in⟧ 11 ⟦channels⟧", "⟦of⟧ 1 ⟦server", "1 ⟦more channel⟧", "1 ⟦without a score"):
        assert part in there.content, part
    data = await data_of(world, there)
    locales.clear()
    english = await use(world, "see")
    assert "12 messages in 11 channels of 1 server, written from" in english.content
    same = await data_of(world, english)
    data.pop("told_at"), same.pop("told_at")
    assert data == same
    assert data["message_text"] == "never kept"


async def test_delete_asks_and_answers_in_the_language_of_whoever_presses(world, alice):
    asked = await use(world, "delete")
    assert english_left(asked.content) == []
    for part in ("⟦This removes the scores of⟧ 12", "⟦This removes⟧ 2 ⟦reactions", "⟦This removes your name from⟧ 1 "):
        assert part in asked.content, part
    await world.alice.click(asked, custom_id=id_of(world.env, asked, "privacy:"))
    assert in_english(world.env) == []
    assert english_left((await use(world, "delete")).content) == []


async def test_in_english_every_kind_of_thing_is_a_sentence(world, alice, locales):
    locales.clear()
    asked = await use(world, "delete")
    assert asked.content == (
        "This removes the scores of 12 messages of yours and takes them out of their hours' totals. What I've already "
        "shown of an hour changes once messages of 5 people in it have changed. This removes 2 reactions of mine from "
        "messages of yours. This removes your name from 1 thing you did as an admin. You can't undo it. Hourly totals "
        "older than 7 days stay, because they aren't linked to anyone. Your opt-out doesn't change."
    )


async def test_every_command_and_its_way_back(world, alice):
    for command, options in (
        *((command, {}) for command in COMMANDS),
        ("opt-in", {}),
        ("opt-out", {"this_server": True}),
        ("opt-in", {}),
        ("see", {}),
        ("opt-out", {}),
        ("opt-in", {"this_server": True}),
        ("opt-in", {}),
        ("delete", {}),
    ):
        said = (await use(world, command, **options)).content
        assert said
        assert english_left(said) == [], (command, said)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_every_answer_can_be_said_in_another_language(answer):
    with speaking(PSEUDO):
        assert english_left(gettext(answer)) == []


@pytest.mark.parametrize("held", [OptOut(False, None), OptOut(True, None), OptOut(True, 5)])
def test_an_opt_out_is_told_in_every_state(held):
    with speaking(PSEUDO):
        assert [line for line in held.lines if english_left(line)] == []


async def test_what_is_too_long_for_a_message_comes_in_two_for_the_asker_alone(world, alice, monkeypatch):
    monkeypatch.setattr(privacy, "in_messages", lambda text: in_messages(text, 700))
    answer = await world.alice.slash(world.channel, "privacy see")
    said = [answer.response, *answer.followups]
    assert len(said) > 1
    assert all(message.ephemeral and english_left(message.content) == [] for message in said)
    assert len((await data_of(world, answer.response))["messages"]) == 12
