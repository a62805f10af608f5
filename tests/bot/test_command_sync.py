import json

import pytest
from discord import app_commands

from bot.app.assemble import assemble


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
