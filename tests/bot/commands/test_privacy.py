"""What people read and decide about what is held of them."""

import gzip
import json
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text as sql

from bot.app.assemble import assemble
from bot.commands import privacy
from bot.commands.privacy import (
    DELETE,
    DELETION_NOTED,
    IN,
    IN_HERE,
    NEVER_OUT,
    NOT_DELETED,
    NOTHING,
    OUT,
    OUT_DELETED_LATER,
    OUT_HERE,
    OUT_NOT_DELETED,
    OUT_UNDELETED,
    OUT_UNTIL_RESTART,
    REMOVED_HERE,
    STILL_OUT,
    STILL_OUT_EVERYWHERE,
    STILL_OUT_HERE,
    UNREADABLE,
    WHICH_SERVER,
)
from bot.commands.privacy_report import as_file
from bot.domain.records import AdminAction, Audited, TargetKind
from bot.domain.snowflake import first_id_of
from bot.presentation.error_words import SORRY
from bot.storage.erasures import Erasures
from bot.storage.opt_outs import OptOuts
from bot.storage.pseudonyms import HashKey, Pseudonyms
from bot.storage.schema import AuditRow, HourAuthorRow, HourRow, LateChangeRow, MessageScoreRow, OptOutRow
from model import Unreadable
from tests.bot.pasts import hour_now
from tests.bot.storage.scenes import MODEL, THREAD, assert_sums_are_right, author, publish, rows_of, verdict

COMMANDS = ("see", "export", "delete", "opt-out", "opt-in")
EPHEMERAL = 64


@pytest.fixture
def use(world):
    """Alice uses /privacy; whatever comes of it is for her alone."""

    async def use(command, who=None, **options):
        answer = await (who or world.alice).slash(world.channel, f"privacy {command}", **options)
        assert answer.response.ephemeral
        assert world.requests("POST", "/callback")[-1] == {"type": 5, "data": {"flags": EPHEMERAL}}
        return answer.response

    return use


@pytest.fixture
def press(world):
    """Alice presses "Delete"."""

    async def press(response):
        await world.alice.click(response, label=DELETE)
        return response.content

    return press


@pytest.fixture
def say(world, storage):
    """Somebody's message of this minute was read."""

    def say(number=1, who=None, score=0.5, **more):
        author = storage.pseudonyms.author((who or world.alice).id)
        now = world.env.backend.clock.now()
        message_id = first_id_of(int(now.timestamp() // 3600)) + number
        # Long ago by the real clock, by which the store keeps its retention time.
        storage.write_buffer._clock = now.timestamp
        answer = Unreadable("Spanish") if score is None else verdict(score)
        storage.write_buffer.scored(message_id, world.guild.id, world.channel.id, author, answer, **more)
        return message_id

    return say


@asynccontextmanager
async def broken_database(storage, *tables):
    """Nothing can be written to these tables."""
    for table in tables:
        for event in ("INSERT", "UPDATE", "DELETE"):
            await _do(
                storage,
                f"CREATE TRIGGER broken_{table}_{event} BEFORE {event} ON {table} BEGIN "
                "SELECT RAISE(ABORT, 'broken'); END",
            )
    yield
    for table in tables:
        for event in ("INSERT", "UPDATE", "DELETE"):
            await _do(storage, f"DROP TRIGGER broken_{table}_{event}")


async def _do(storage, statement):
    async with storage.database.write() as connection:
        await connection.execute(sql(statement))


def file_of(world, response):
    """The attached file's name and content."""
    (attachment,) = response.attachments
    return attachment.filename, world.env.backend.cdn.get(attachment.url.partition("?")[0]) or world.env.backend.cdn[
        attachment.url
    ]


def data_of(world, response):
    name, content = file_of(world, response)
    assert name == "privacy.json"
    return json.loads(content)


async def test_without_anything_held_see_says_so(use, world):
    response = await use("see")
    assert "You haven't opted out." in response.content
    assert "Nothing else" in response.content
    data = data_of(world, response)
    assert data["discord_id"] == str(world.alice.id)
    assert (data["messages"], data["messages_per_hour"], data["admin_actions"]) == ([], [], [])


async def test_see_tells_everything_in_words_and_as_json(use, say, world, storage):
    first, second = say(1, score=0.1234, thread_id=THREAD, edited=1_764_000_000_123), say(2, score=-1.0)
    say(3, who=world.maya)
    me = storage.pseudonyms.author(world.alice.id)
    await storage.guilds.add_audit(
        Audited(world.guild.id, 1_764_000_000, me, AdminAction.EXEMPT, TargetKind.ROLE, 2**60)
    )
    response = await use("see")
    for part in ("2 messages in 1 channel of 1 server", f"<#{world.channel.id}>: 2", "1 note of", "1 thing you did"):
        assert part in response.content
    assert "after 7 days" in response.content
    data = data_of(world, response)
    assert [one["message_id"] for one in data["messages"]] == [str(first), str(second)]
    one = data["messages"][0]
    assert one["hour"] == one["written"]
    assert one["hour"].endswith(":00:00Z")
    assert (one["score"], one["sentiment"], data["messages"][1]["score"]) == (0.123, "neutral", -1.0)
    assert (one["thread_id"], one["server_id"]) == (str(THREAD), str(world.guild.id))
    assert (one["edited"], data["messages"][1]["edited"]) == ("2025-11-24T16:00:00Z", None)
    assert data["messages_per_hour"] == [
        {"channel_id": str(world.channel.id), "hour": one["hour"], "messages": 2, "unread": 0}
    ]
    action = {"server_id": str(world.guild.id), "done": "2025-11-24T16:00:00Z", "action": "exempt"}
    assert data["admin_actions"] == [action | {"target_kind": "role", "target_id": str(2**60)}]


async def test_see_tells_of_what_could_not_be_read_too(use, say, world):
    say(1), say(2, score=None)
    response = await use("see")
    assert "(1 without a score: I couldn't read what isn't in English)" in response.content
    data = data_of(world, response)
    told = [(one["score"], one["sentiment"], one["model"]) for one in data["messages"]]
    assert told == [(0.5, "positive", MODEL), (None, "unread", None)]
    assert [(one["messages"], one["unread"]) for one in data["messages_per_hour"]] == [(1, 1)]


async def test_delete_removes_what_could_not_be_read_too(use, press, say, storage):
    say(1, score=None)
    assert (await press(await use("delete"))).startswith("Deleted: the scores of 1 message,")
    for row in (MessageScoreRow, HourAuthorRow, HourRow):
        assert await rows_of(storage.database, row) == []


async def test_see_tells_where_something_has_changed_since_and_delete_leaves_nobody_there(
    use, press, say, world, storage
):
    say(9)
    hour = hour_now(world.env)
    for number in range(5):
        place = (first_id_of(hour) + number + 20, world.guild.id, world.channel.id)
        storage.write_buffer.scored(*place, author(number), verdict(0.5))
    await storage.write_buffer.flush()
    await publish(storage.database, hour + 1)
    say(9, edited=5, score=-0.5)
    response = await use("see")
    assert "1 note that messages of yours in an hour changed after I showed the hour" in response.content
    (changed,) = data_of(world, response)["changed_later"]
    assert (changed["channel_id"], changed["messages"]) == (str(world.channel.id), 1)
    asked = await use("delete")
    assert "of an hour changes once messages of 5 people in it have changed" in asked.content
    await press(asked)
    (row,) = await rows_of(storage.database, LateChangeRow)
    assert row["author"] != storage.pseudonyms.author(world.alice.id)
    assert data_of(world, await use("see"))["changed_later"] == []


async def test_what_was_not_written_yet_is_told_too(use, say, world, storage):
    say()
    assert await rows_of(storage.database, MessageScoreRow) == []
    assert len(data_of(world, await use("see"))["messages"]) == 1


async def test_export_is_the_same_file_without_the_words(use, say, world):
    say()
    seen, exported = data_of(world, await use("see")), data_of(world, response := await use("export"))
    seen.pop("told_at"), exported.pop("told_at")
    assert seen == exported
    assert "message" not in response.content


async def test_nobody_is_told_anything_of_somebody_else(use, say, world):
    say(1)
    assert data_of(world, await use("see", world.maya))["messages"] == []
    assert (await use("delete", world.maya)).content == NOTHING


def test_no_command_takes_a_person_or_anything_else(bot):
    cog = privacy.PrivacyCog(bot.services)
    assert [command.name for command in cog.walk_app_commands()] == list(COMMANDS)
    asked = {command.name: [one.name for one in command.parameters] for command in cog.walk_app_commands()}
    assert asked == {name: ["this_server"] * (name in {"opt-out", "opt-in"}) for name in COMMANDS}


async def test_privacy_is_offered_everywhere_and_to_every_kind_of_install(env, bot):
    offered = bot.tree.get_command("privacy").to_dict(bot.tree)
    assert (offered["contexts"], offered["integration_types"]) == ([0, 1, 2], [0, 1])
    assert offered["default_member_permissions"] is None


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_works_in_a_direct_message(world, command):
    answer = await world.alice.user.slash(f"privacy {command}")
    assert answer.response.ephemeral
    assert answer.response.content


async def test_delete_asks_first_and_removes_nothing_by_itself(use, say, world, storage):
    say(1), say(2)
    response = await use("delete")
    assert "the scores of 2 messages of yours" in response.content
    assert "admin" not in response.content
    assert len(await rows_of(storage.database, MessageScoreRow)) == 2


async def test_delete_removes_every_trace_and_says_how_many(use, press, say, world, storage):
    say(1), say(2, score=1.0), say(3, who=world.maya)
    me = storage.pseudonyms.author(world.alice.id)
    await storage.guilds.add_audit(Audited(world.guild.id, 1, me, AdminAction.ENABLE))
    response = await use("delete")
    say(4)
    assert await press(response) == "Deleted: the scores of 3 messages, and anything else I had about you."
    assert response.components == []
    for row, column in ((MessageScoreRow, "author"), (HourAuthorRow, "author"), (AuditRow, "actor")):
        assert me not in [one[column] for one in await rows_of(storage.database, row)]
    (hour,) = await rows_of(storage.database, HourRow)
    assert (hour["negative"] + hour["neutral"] + hour["positive"], hour["authors"]) == (1, 1)
    await assert_sums_are_right(storage.database)


async def test_a_score_that_is_still_computed_when_somebody_deletes_does_not_come_back(use, press, say, storage):
    say(1)
    await press(await use("delete"))
    say(1, edited=5)
    await storage.write_buffer.flush()
    assert await rows_of(storage.database, MessageScoreRow) == []


async def test_delete_finds_what_is_kept_under_a_former_key(use, press, say, world, storage):
    say(1)
    await storage.write_buffer.flush()
    new, former = Pseudonyms([HashKey("a new key that is long enough")]), storage.pseudonyms._keys
    storage.pseudonyms._keys = new._keys + former
    assert (await press(await use("delete"))).startswith("Deleted: the scores of 1 message,")
    assert await rows_of(storage.database, MessageScoreRow) == []


async def test_delete_works_after_a_restart(use, press, say, world, storage, settings, classifier):
    say(1)
    response = await use("delete")
    await world.env.restart_bot(assemble(settings, classifier, storage))
    assert (await press(response)).startswith("Deleted: the scores of 1 message,")


async def test_opting_out_holds_at_once_and_deletes_what_there_is(use, say, world, storage):
    say(1), say(2, who=world.maya)
    response = await use("opt-out")
    assert response.content == f"{OUT} Deleted: the scores of 1 message, and anything else I had about you."
    assert storage.opt_outs.includes(world.alice.id)
    say(3)
    await storage.write_buffer.flush()
    assert [row["author"] for row in await rows_of(storage.database, MessageScoreRow)] == [
        storage.pseudonyms.author(world.maya.id)
    ]
    assert "You opted out on" in (await use("see")).content
    assert data_of(world, await use("export"))["opted_out_since"].endswith("Z")


async def test_opting_out_with_nothing_held_does_not_claim_to_have_removed_anything(use):
    assert "I had no scores of your messages" in (await use("opt-out")).content


async def test_an_opt_out_is_a_hash_and_an_instant(use, world, storage):
    await use("opt-out")
    (row,) = await rows_of(storage.database, OptOutRow)
    assert row.keys() == {"author", "since"}
    assert row["author"] == storage.pseudonyms.author(world.alice.id)


async def test_opting_in_leaves_no_trace_of_having_been_out(use, world, storage):
    await use("opt-out")
    assert (await use("opt-in")).content == IN
    assert not storage.opt_outs.includes(world.alice.id)
    assert await rows_of(storage.database, OptOutRow) == []
    assert (await use("opt-in")).content == NEVER_OUT


async def test_an_opt_out_is_carried_over_to_a_new_key_by_a_daily_job(use, world, bot, storage):
    await use("opt-out")
    new = Pseudonyms([HashKey("a new key that is long enough")])
    storage.pseudonyms._keys = new._keys + storage.pseudonyms._keys
    assert storage.opt_outs.includes(world.alice.id)
    await bot.jobs.tick()
    later = OptOuts(storage.database, new)
    await later.load()
    assert later.includes(world.alice.id)


@pytest.mark.parametrize("command", ["see", "export", "delete"])
async def test_without_the_database_it_says_that_nothing_could_be_read(use, say, storage, command):
    say()
    async with broken_database(storage, "message_scores"):
        response = await use(command)
    assert response.content == UNREADABLE
    assert response.attachments == []
    assert len(storage.write_buffer) == 1


async def test_a_deletion_that_the_database_does_not_take_is_noted_and_done_when_it_does(use, press, say, storage):
    say(1)
    response = await use("delete")
    async with broken_database(storage, "message_scores"):
        say(2)
        assert await press(response) == DELETION_NOTED
        assert response.components == []
    say(2)
    await storage.write_buffer.flush()
    assert await rows_of(storage.database, MessageScoreRow) == []


async def test_what_is_noted_outside_the_database_is_told_to_whom_it_is_about(use, press, say, world, storage):
    say(1)
    await press(await use("delete"))
    await use("opt-out")
    seen = await use("see")
    assert "- 3 notes that you deleted your data" in seen.content
    assert "after 30 days" in seen.content
    assert [one["request"] for one in data_of(world, seen)["requests_noted"]] == ["erased", "opted-out", "erased"]
    nobody = await world.maya.slash(world.channel, "privacy see")
    assert "note" not in nobody.response.content


async def test_a_deletion_that_cannot_even_be_noted_says_what_is_left_and_can_be_tried_again(
    use, press, say, storage, settings
):
    say(1)
    response = await use("delete")
    (settings.data_dir / "erasures.log").mkdir()
    async with broken_database(storage, "message_scores"):
        say(2)
        assert await press(response) == NOT_DELETED
    say(2)
    assert len(storage.write_buffer) == 0
    assert "Anything else I had about you is deleted" in await press(response)
    assert await rows_of(storage.database, MessageScoreRow) == []


async def test_an_opt_out_is_kept_without_the_database(use, say, world, storage, settings):
    say(1)
    await storage.write_buffer.flush()
    async with broken_database(storage, "opt_outs", "message_scores"):
        assert (await use("opt-out")).content == f"{OUT} {OUT_DELETED_LATER}"
    async with open_again(storage, settings) as opt_outs:
        assert opt_outs.includes(world.alice.id)
    assert await rows_of(storage.database, MessageScoreRow) == []


@asynccontextmanager
async def open_again(storage, settings):
    """The opt-outs as the next process finds them."""
    erasures = await Erasures.open(storage.database, settings.data_dir, storage.pseudonyms)
    opt_outs = OptOuts(storage.database, storage.pseudonyms, erasures=erasures)
    await opt_outs.load()
    yield opt_outs


async def test_an_opt_out_that_cannot_be_kept_holds_and_says_so(use, say, world, storage, settings):
    (settings.data_dir / "erasures.log").mkdir()
    say(1)
    await storage.write_buffer.flush()
    async with broken_database(storage, "opt_outs", "message_scores"):
        assert (await use("opt-out")).content == f"{OUT} {OUT_UNTIL_RESTART} {OUT_UNDELETED}"
    assert storage.opt_outs.includes(world.alice.id)
    say(2)
    assert len(storage.write_buffer) == 0
    seen = await use("see")
    assert "You opted out on" in seen.content, "it was done as soon as the database answered"
    assert data_of(world, seen)["opted_out"] is True
    assert await rows_of(storage.database, MessageScoreRow) == []
    assert (await use("opt-out")).content.startswith(OUT)
    assert len(await rows_of(storage.database, OptOutRow)) == 1


async def test_an_opt_out_of_which_only_the_deletion_fails_says_so(use, say, storage, settings):
    (settings.data_dir / "erasures.log").mkdir()
    say(1)
    await storage.write_buffer.flush()
    async with broken_database(storage, "message_scores"):
        assert (await use("opt-out")).content == f"{OUT} {OUT_NOT_DELETED}"
    assert len(await rows_of(storage.database, OptOutRow)) == 1


async def test_an_opt_in_that_fails_leaves_them_out(use, world, storage):
    await use("opt-out")
    async with broken_database(storage, "opt_outs"):
        assert (await use("opt-in")).content == STILL_OUT
    assert storage.opt_outs.includes(world.alice.id)


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_fault_of_the_bot_itself_is_told_to_the_asker_alone(use, world, storage, monkeypatch, command):
    async def fail(*_):
        raise KeyError

    for part, name in ((storage.people, "held"), (storage.opt_outs, "add"), (storage.opt_outs, "remove")):
        monkeypatch.setattr(type(part), name, fail)
    assert (await use(command)).content == SORRY
    assert len(world.env.errors) == 1


@pytest.mark.parametrize("command", COMMANDS)
async def test_when_discord_does_not_take_the_acknowledgement_the_apology_is_for_the_asker_alone(world, command):
    world.env.inject_error("POST", "/interactions/*/callback", status=500)
    answer = await world.alice.slash(world.channel, f"privacy {command}")
    assert (answer.response.content, answer.response.ephemeral) == (SORRY, True)
    assert len(world.env.errors) == 1


async def test_an_opt_out_holds_although_discord_does_not_take_the_acknowledgement(world, storage):
    world.env.inject_error("POST", "/interactions/*/callback", status=500)
    await world.alice.slash(world.channel, "privacy opt-out")
    assert len(world.env.errors) == 1
    assert storage.opt_outs.includes(world.alice.id)
    assert len(await rows_of(storage.database, OptOutRow)) == 1


async def test_a_fault_while_deleting_leaves_the_question_and_is_told_to_the_asker_alone(
    use, press, say, world, storage, monkeypatch
):
    async def fail(*_):
        raise KeyError

    say(1)
    response = await use("delete")
    monkeypatch.setattr(type(storage.write_buffer), "forget", fail)
    assert (await press(response)).startswith("This removes")
    followup = world.requests("POST", "")[-1]
    assert (followup["content"], followup["flags"]) == (SORRY, EPHEMERAL)


async def test_words_fit_a_message_however_much_there_is(use, say, world, storage):
    author = storage.pseudonyms.author(world.alice.id)
    for number in range(300):
        storage.write_buffer.scored(2**62 + number, 2**60 + number, 2**61 + number, author, verdict(0.5))
    response = await use("see")
    assert "300 messages in 300 channels of 300 servers" in response.content
    assert ", and 290 more channels" in response.content
    assert len(response.content) <= 2000
    assert len(data_of(world, response)["messages"]) == 300


def test_a_file_too_large_for_discord_is_compressed():
    text = "[1]" * 1000
    assert as_file(text, 3000) == ("privacy.json", text.encode())
    name, packed = as_file(text, 2999)
    assert name == "privacy.json.gz"
    assert gzip.decompress(packed) == text.encode()


# ---- one server alone


async def test_somebody_opts_out_of_one_server_and_sees_it_and_takes_it_back(use, world, storage):
    assert (await use("opt-out", this_server=True)).content == f"{OUT_HERE} {REMOVED_HERE}"
    assert storage.opt_outs.includes(world.alice.id, world.guild.id)
    assert not storage.opt_outs.includes(world.alice.id, 2**60)
    response = await use("see")
    assert "You opted out of 1 server alone" in response.content
    data = data_of(world, response)
    assert not data["opted_out"]
    assert [one["server_id"] for one in data["opted_out_of_servers"]] == [str(world.guild.id)]
    assert [one["request"] for one in data["requests_noted"]] == ["opted-out", "erased-in"]
    assert (await use("opt-in")).content == f"{NEVER_OUT} {STILL_OUT_HERE}"
    assert (await use("opt-in", this_server=True)).content == IN_HERE
    assert not storage.opt_outs.includes(world.alice.id, world.guild.id)
    assert (await use("opt-in", this_server=True)).content == NEVER_OUT


async def test_who_is_out_everywhere_is_told_so_when_they_come_back_to_one_server(use, world, storage):
    await use("opt-out")
    await use("opt-out", this_server=True)
    assert (await use("opt-in", this_server=True)).content == f"{IN_HERE} {STILL_OUT_EVERYWHERE}"
    assert storage.opt_outs.includes(world.alice.id, world.guild.id)


@pytest.mark.parametrize("command", ["opt-out", "opt-in"])
async def test_in_a_direct_message_there_is_no_this_server(world, storage, command):
    answer = await world.alice.user.slash(f"privacy {command}", this_server=True)
    assert (answer.response.content, answer.response.ephemeral) == (WHICH_SERVER, True)
    assert len(storage.opt_outs) == 0


async def test_opting_out_of_a_server_deletes_what_was_read_there_and_nothing_else(use, say, world, storage):
    me, elsewhere = storage.pseudonyms.author(world.alice.id), world.guild.id + 1
    for number in range(3):
        say(number)
    mayas = say(10, who=world.maya)
    await storage.write_buffer.flush()
    say(4)  # waits to be written
    there = say(20) + 1
    storage.write_buffer.scored(there, elsewhere, world.channel.id + 1, me, verdict(0.5))
    said = (await use("opt-out", this_server=True)).content
    assert said == f"{OUT_HERE} {REMOVED_HERE}"
    await storage.write_buffer.flush()
    left = await rows_of(storage.database, MessageScoreRow)
    assert {row["message_id"] for row in left} == {mayas, there}
    await assert_sums_are_right(storage.database)


async def test_an_opt_out_of_a_server_that_nothing_could_write_down_says_so(use, world, storage):
    async with broken_database(storage, "opt_outs"):
        said = (await use("opt-out", this_server=True)).content
    assert said.startswith(OUT_HERE)
    assert storage.opt_outs.includes(world.alice.id, world.guild.id)
