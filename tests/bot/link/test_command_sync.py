import json
import time
from itertools import pairwise
from typing import Any

import pytest
from discord import Interaction, app_commands

from bot.app.assemble import assemble
from bot.link.command_sync import AGAIN_A_DAY, DAY, LONGEST_WAIT, CommandRegistration, _is_newer


def registrations(env):
    return sum(entry.method == "PUT" and entry.path.endswith("/commands") for entry in env.http_requests)


def hashes(file):
    """What is kept, without when."""
    return {name: (kept["sent"], kept["held"]) for name, kept in json.loads(file.read_text("utf-8")).items()}


@pytest.fixture
def file(settings):
    return settings.data_dir / "commands.json"


@pytest.fixture
def again(env, settings, classifier, storage):
    """Starts the bot anew and returns how often commands have been registered by then."""

    async def restart(prepare=lambda bot: None):
        bot = assemble(settings, classifier, storage)
        prepare(bot)
        await env.restart_bot(bot)
        return registrations(env)

    return restart


async def test_the_first_start_registers_the_commands(env, file):
    assert registrations(env) == 1
    assert list(json.loads(file.read_text("utf-8"))) == [str(env.backend.application_id)]


async def test_a_second_start_registers_nothing(again):
    assert await again() == 1
    assert await again() == 1


async def test_a_changed_command_is_registered(again):
    @app_commands.command(name="new", description="A new one")
    async def new(interaction):
        """Nothing yet."""

    assert await again(lambda bot: bot.tree.add_command(new)) == 2
    assert await again() == 3


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"\x00" * 100],
    ids=["empty", "half", "list", "null", "string", "not-utf-8", "zeros"],
)
async def test_a_broken_file_is_replaced(again, file, broken):
    whole = hashes(file)
    file.write_bytes(broken)
    assert await again() == 2
    assert hashes(file) == whole
    assert await again() == 2


async def test_a_missing_file_is_written_again(again, file):
    file.unlink()
    assert await again() == 2
    assert file.exists()


async def test_another_applications_entry_stays(again, file):
    file.write_text('{"1": "abc"}', "utf-8")
    assert await again() == 2
    assert json.loads(file.read_text("utf-8"))["1"] == "abc"


async def test_a_folder_that_cannot_be_written_costs_only_the_memory(again, file, caplog):
    file.unlink()
    file.with_suffix(".new").mkdir()  # in the way
    assert await again() == 2
    assert await again() == 3
    assert "commands are registered at each start" in caplog.text


async def test_no_half_written_file_is_left_behind(env, file):
    assert [path.name for path in file.parent.glob("commands*")] == ["commands.json"]


async def test_the_file_holds_nothing_but_hashes(world, file):
    await world.ask("my secret diary is lovely")
    (kept,) = json.loads(file.read_text("utf-8")).values()
    assert [len(kept.pop(name)) for name in ("sent", "held")] == [64, 64]
    assert set(map(type, kept.pop("times"))) == {int}
    assert kept == {}


def older(file, **changes):
    """Writes into the file what a start finds of the last one."""
    known = json.loads(file.read_text("utf-8"))
    for kept in known.values():
        kept.update(changes)
    file.write_text(json.dumps(known), "utf-8")


def held(env, guild_id=None):
    return {name for name, _ in env.backend.commands.get(guild_id, {})}


async def look(bot, after):
    """The job that looks after the commands, so many seconds from now."""
    await bot._registration(time.time() + after)


async def test_what_a_former_version_kept_is_registered_once(env, again, file):
    file.write_text(json.dumps({str(env.backend.application_id): "a" * 64}), "utf-8")
    assert await again() == 2
    assert await again() == 2


async def test_what_another_program_has_registered_is_put_right_within_a_day(env, bot, caplog):
    env.backend.register_commands(None, [{"name": "other", "description": "x", "type": 1}])
    await look(bot, DAY - 60)
    assert held(env) == {"other"}
    await look(bot, DAY + 60)
    assert "sentiment" in held(env)
    assert "other" not in held(env)
    assert "Discord holds other commands than were registered" in caplog.text
    assert registrations(env) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"description": "another"},
        {"default_member_permissions": "8"},
        {"options": []},
        {"integration_types": [0, 1]},
        {"contexts": [0, 1]},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_one_command_that_is_not_as_it_was_is_noticed(env, bot, change):
    env.backend.commands[None]["mood", 1].update(change)
    await look(bot, DAY + 60)
    assert registrations(env) == 2


async def test_how_discord_puts_it_registers_nothing_again(env, bot):
    """Other ids, another order, fields that this library does not know, a version."""
    known = env.backend.commands[None]
    changed = {
        key: {**command, "id": str(int(command["id"]) + 1), "version": "9", "new_field": {"a": 1}}
        for key, command in reversed(known.items())
    }
    env.backend.commands[None] = changed
    for days in (1, 2, 3):
        await look(bot, days * (DAY + 60))
    assert registrations(env) == 1


async def test_a_discord_that_puts_it_in_another_way_when_asked_costs_one_registration(env, again, file):
    older(file, held="what the answer to a registration was like")
    assert [await again() for _ in range(4)] == [2, 2, 2, 2]


async def test_two_programs_with_one_token_do_not_register_in_turn_for_ever(env, again, caplog):
    counts = []
    for _ in range(6):
        env.backend.register_commands(None, [{"name": "other", "description": "x", "type": 1}])
        counts.append(await again())
    assert counts == [2, 3, 3, 3, 3, 3]
    assert caplog.text.count("does another program use this token?") == 4


async def test_the_next_day_it_tries_again(env, again, file):
    older(file, times=[int(time.time()) - 60] * AGAIN_A_DAY)
    env.backend.register_commands(None, [{"name": "other", "description": "x", "type": 1}])
    assert await again() == 1
    older(file, times=[int(time.time()) - DAY - 60] * AGAIN_A_DAY)
    assert await again() == 2


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (400, 30034, "takes no more commands today"),
        (429, 0, "too many command registrations"),
        (500, 0, "Discord has problems (500)"),
        (503, 0, "Discord has problems (503)"),
        (400, 50035, "refuses the commands of this version"),
        (401, 0, "refuses the token"),
        (403, 50001, "refuses the commands of this version"),
    ],
)
async def test_a_registration_that_fails_is_tried_again_ever_later_and_never_given_up(
    env, again, file, caplog, status, code, said
):
    file.unlink()
    env.inject_error("PUT", "/applications/*/commands", status=status, code=code, times=100)
    bots = []
    assert await again(bots.append) == 2
    assert said in caplog.text
    start = time.time()
    tries = []
    for minute in range(1, 48 * 60):
        before = registrations(env)
        await bots[0]._registration(start + 60 * minute + 30)
        if registrations(env) > before:
            tries.append(minute)
    waits = [later - earlier for earlier, later in pairwise([0, *tries])]
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == LONGEST_WAIT / 60
    assert 48 * 60 - tries[-1] <= LONGEST_WAIT / 60
    assert caplog.text.count(said) == len(tries) + 1
    assert len(await bots[0].tree.fetch_commands()) == 8


async def test_a_comparison_that_fails_is_tried_again(env, again, bot):
    env.inject_error("GET", "/applications/*/commands", status=503)
    env.backend.register_commands(None, [{"name": "other", "description": "x", "type": 1}])
    bots = []
    assert await again(bots.append) == 1
    await look(bots[0], 90)
    assert "sentiment" in held(env)


@pytest.fixture
def for_owners(env, settings, classifier, storage):
    """Starts the bot anew with that ADMIN_GUILD, and returns it."""

    async def restart(guild_id):
        bot = assemble(settings.model_copy(update={"admin_guild": guild_id}), classifier, storage)
        await env.restart_bot(bot)
        return bot

    return restart


async def test_the_owners_commands_go_where_they_are_and_come_back_where_they_are_wanted(env, for_owners, world):
    home, other = world.guild.id, env.create_guild("Other").id
    bot = await for_owners(home)
    assert held(env, home) == {"model"}
    env.backend.register_commands(home, [{"name": "other", "description": "x", "type": 1}])
    await look(bot, DAY + 60)
    assert held(env, home) == {"model"}
    env.inject_error("PUT", f"/applications/*/guilds/{home}/commands", status=503)
    bot = await for_owners(other)
    assert (held(env, home), held(env, other)) == ({"model"}, {"model"})  # that fails, and is not forgotten
    await look(bot, 90)
    assert (held(env, home), held(env, other)) == (set(), {"model"})


async def test_where_the_bot_is_no_longer_its_commands_are_forgotten(env, for_owners, world, file):
    home = world.guild.id
    await for_owners(home)
    assert any(name.endswith(f"/{home}") for name in json.loads(file.read_text("utf-8")))
    env.inject_error("PUT", f"/applications/*/guilds/{home}/commands", status=403, code=50001)
    await for_owners(None)
    assert not any(name.endswith(f"/{home}") for name in json.loads(file.read_text("utf-8")))


class Together:
    """What several processes know together."""

    def __init__(self):
        self.known, self.running = {}, set()

    async def read(self):
        return json.loads(json.dumps(self.known))

    async def keep(self, scope, known):
        self.known.pop(scope, None)
        if known is not None:
            self.known[scope] = known

    async def versions(self):
        return frozenset(self.running)


@pytest.fixture
async def versions(env, bot, settings):
    """Registrations of two versions with other commands each, of which one after the other leads."""
    together, before = Together(), registrations(env)

    def registration(version, *, more=""):
        client: Any = Client(bot)
        tree: Any = app_commands.CommandTree(client)
        for name in ("sentiment", more) if more else ("sentiment",):
            tree.add_command(app_commands.Command(name=name, description="What it does", callback=nothing))
        made = CommandRegistration(tree, settings.data_dir, None, together)
        made._version = version
        return made

    return together, registration, lambda: registrations(env) - before


class Client:
    """Of a tree of its own, as another process has one."""

    def __init__(self, bot):
        self.http, self.application_id, self._connection = bot.http, bot.application_id, bot._connection
        self._connection._command_tree = None


async def nothing(interaction: Interaction) -> None:
    """Nothing yet."""


async def test_two_versions_that_are_exchanged_do_not_register_in_turns(versions):
    """Whichever of them leads, as often as that changes: the newer one's commands stay while it runs."""
    together, registration, counted = versions
    together.running = {"0.9.1", "0.10.0"}
    now = time.time()
    older, newer = registration("0.9.1"), registration("0.10.0", more="new")
    for number, one in enumerate((older, newer, older, newer, older)):
        await one(now + number * 60)
    assert counted() == 2, "the older one's at first, and then the newer one's"
    again = registration("0.9.1")  # a process that is started anew
    for hours in (0.5, 2, 30):
        await again(now + hours * 3600)
    assert counted() == 2
    assert next(iter(together.known.values()))["version"] == "0.10.0"


async def test_what_a_newer_version_has_registered_meanwhile_is_not_forgotten(versions):
    """Discord may have the library wait for hours, in which another process leads."""
    together, registration, counted = versions
    now = time.time()
    older, newer = registration("0.9.1"), registration("0.10.0", more="new")
    sync = older._tree.sync

    async def slow(**options):
        held = await sync(**options)
        await newer(now)
        return held

    older._tree.sync = slow
    await older(now)
    assert counted() == 2
    (kept,) = together.known.values()
    assert kept["version"] == "0.10.0"


async def test_a_version_that_was_gone_back_to_registers_its_commands_when_no_newer_one_runs(versions):
    together, registration, counted = versions
    now = time.time()
    together.running = {"0.10.0"}
    await registration("0.10.0", more="new")(now)
    older = registration("0.9.1")
    together.running = {"0.9.1"}
    await older(now + 600)
    assert counted() == 1, "it may be starting anew"
    await older(now + 2 * 3600)
    assert counted() == 2


@pytest.mark.parametrize(
    ("version", "other", "is_newer"),
    [
        ("0.10.0", "0.9.9", True),
        ("0.9.9", "0.10.0", False),
        ("1.0", "1.0", False),
        ("an uninstalled copy", "0.1", False),
        ("0.1", "an uninstalled copy", True),
        ("", "0.1", False),
    ],
)
def test_which_version_is_newer(version, other, is_newer):
    assert _is_newer(version, other) == is_newer
