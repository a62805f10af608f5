"""The database stands still: everybody hears from the bot in time, and it ends in time and says what is lost."""

import re
import signal
from itertools import cycle
from pathlib import Path

import discord
import pytest
from simcord import InteractionResult
from simcord.enums import AppCommandType, OptionType
from simcord.results import to_discord_message

from bot.app.connecting import EX_OK
from bot.commands.privacy import OUT
from bot.demo.local_discord import LocalDiscord
from bot.features import features
from tests.discord.test_process import ORDERLY_SECONDS, TEXT, end
from tests.discord.wire import build_world, online_bot, until
from tests.soak.people import is_complete
from tests.soak.store import opened_store

LEAVES = {OptionType.SUBCOMMAND, OptionType.SUBCOMMAND_GROUP}
WORDS = {"text": TEXT, "since": "7 days", "source": "nowhere", "mark": "1"}
WORDS["url"] = "https://discord.com/api/webhooks/123456789012345678/" + "t" * 68
PRESSED = {"why:": "Why?", "feedback:": "Right", "alert:": "alert:1", "privacy:": "privacy:delete"}
PRESSED |= {name: name for name in ("setup:begin", "setup:start")} | {"help:": "help:1", "notice:": "notice:details"}
PRESSED["happened:"] = f"happened:1:{20_000 * 24}:{20_000 * 24 + 1}"
"""How each kind of button is pressed: by its label under an answer, or by its id under some post."""

IN_PRIVATE = {"which:", "undo:"}
"""What is used in the messages that follow "Wrong" and "Right"."""


@pytest.fixture
async def local():
    async with LocalDiscord() as local:
        yield local


@pytest.fixture
async def world(local):
    return build_world(local)


@pytest.fixture
def admin(world):
    """Makes another admin."""
    guild = world.alice.guild
    role = guild.create_role("admins", permissions=discord.Permissions(administrator=True))
    return lambda: guild.add_member(world.local.create_user("adam"), roles=[role])


@pytest.fixture
def owner(local, admin):
    """An admin who runs the bot."""
    olga = admin()
    local.rest.owner = olga.id
    return olga


@pytest.fixture
async def store(tmp_path):
    async with opened_store(tmp_path / "data") as store:
        yield store


@pytest.fixture
async def bot(local, world, owner, store, tmp_path):
    """Online, with all its commands."""
    address = {"DATABASE_URL": store.url} if store.url else {}
    async with online_bot(local, tmp_path, ADMIN_GUILD=str(world.alice.guild.id), **address) as bot:
        await until(lambda: (world.alice.guild.id in local.backend.commands) and local.backend.commands[None])
        yield bot


def commands_below(described, name=""):
    """All that can be typed, with the options."""
    name = f"{name} {described['name']}".strip()
    inner = [option for option in described.get("options", ()) if option["type"] in LEAVES]
    for one in inner:
        yield from commands_below(one, name)
    if not inner:
        yield name, described.get("options", ())


def filled(options, channels, roles):
    """What is required, and every channel and role, so that there is something to look up."""
    values = {}
    for option in options:
        if option["type"] == OptionType.CHANNEL:
            values[option["name"]] = next(channels)
        elif option["type"] == OptionType.ROLE:
            values[option["name"]] = next(roles)
        elif option.get("required"):
            choices = option.get("choices")
            values[option["name"]] = choices[0]["value"] if choices else WORDS[option["name"]]
    return values


async def press(world, who, custom_id):
    """Presses a button under a post of the bot's."""
    backend = world.local.backend
    row = {"type": 1, "components": [{"type": 2, "custom_id": custom_id, "style": 1, "label": "x"}]}
    post = backend.create_message(world.channel.id, backend.bot_user.id, "a post", components=[row])
    return await who.click(to_discord_message(world.local, post), label="x")


async def choose(world, who):
    """Uses a select of the set-up's form."""
    backend = world.local.backend
    options = [{"label": kind, "value": kind, "default": kind == "weekly"} for kind in ("weekly", "daily")]
    row = {"type": 1, "components": [{"type": 3, "custom_id": "setup:digest", "options": options}]}
    post = backend.create_message(world.channel.id, backend.bot_user.id, "", components=[row])
    return await who.select(to_discord_message(world.local, post), ["daily"], custom_id="setup:digest")


async def ask_everything(world, owner, admin, answer, which, thanks):
    """Every command, menu, button and suggestion that there is, each acknowledged before the next; by its name.

    Each is used by an admin of its own, since one person is not drawn many charts at a time.
    """
    backend, asked = world.local.backend, {}
    channels = cycle([world.channel, world.alice.guild.create_text_channel("other")])
    roles = cycle([world.alice.guild.create_role("staff")])

    async def note(name, result):
        asked[name] = result
        await until(lambda: result.acknowledged)

    for known in backend.commands.values():
        for (name, kind), described in known.items():
            if kind == AppCommandType.MESSAGE:
                message = await world.maya.send(world.channel, TEXT)
                await note(name, await world.alice.context_menu(world.channel, name, message))
                continue
            for typed, options in commands_below(described):
                who = owner if name == "model" else admin()
                await note(typed, await who.slash(world.channel, typed, **filled(options, channels, roles)))
                for one in options:
                    if one.get("autocomplete"):
                        await who.autocomplete(world.channel, typed, one["name"], "e")
                        record = next(reversed(backend.interactions.values()))
                        await note(f"{typed} {one['name']}…", InteractionResult(world.local, record))
    for kind, how in PRESSED.items():
        pressed = await press(world, admin(), how) if ":" in how else await world.press(answer, how)
        await note(kind, pressed)
    await note("a select", await choose(world, admin()))
    await note("which:", await world.alice.select(which, ["1"]))
    await note("undo:", await world.alice.click(thanks, label="Take it back"))
    return asked


async def test_everybody_hears_in_time_and_is_told_at_the_end_and_what_is_lost_is_counted(
    local, world, owner, admin, store, bot
):
    await owner.slash(world.channel, "monitor enable")
    answer = await world.ask(TEXT)
    (which,) = (await world.press(await world.ask(TEXT), "Wrong")).followups
    (thanks,) = (await world.press(await world.ask(TEXT), "Right")).followups
    async with store.standing_still():
        local.patience = 0
        for _ in range(3):
            await world.maya.send(world.channel, TEXT)
        asked = await ask_everything(world, owner, admin, answer, which, thanks)
        code, seconds = await end(bot, signal.SIGTERM)
        assert [name for name, result in asked.items() if not is_complete(result)] == []
    assert len(asked) >= 30
    assert code == EX_OK
    assert seconds < ORDERLY_SECONDS
    # Three messages, and the one that was checked; four words in public that the charts were refused in private.
    assert "4 messages and 4 removals could not be written before the end" in bot.said
    assert "failed" not in bot.said
    assert "nor could" not in bot.said
    assert "Traceback" not in bot.said


def test_every_kind_of_button_is_pressed_above_and_there_is_nothing_else_to_use():
    ours = [one for one in discord.ui.DynamicItem.__subclasses__() if one.__module__.startswith("bot.")]
    kinds = {one.__discord_ui_compiled_template__.pattern.partition(":")[0] + ":" for one in ours}
    assert kinds == {*(name.partition(":")[0] + ":" for name in PRESSED), *IN_PRIVATE}
    files = Path(features.__code__.co_filename).parent.rglob("*.py")
    written = "".join(file.read_text("utf-8") for file in files if file.parts[-2:] != ("setup", "form.py"))
    others = written.replace("class WhichSelect(discord.ui.DynamicItem[discord.ui.Select[Any]]", "")
    others = others.replace("discord.ui.Select(placeholder", "").replace("WhichSelect(", "")
    snooze = r"class SnoozeSelect\(.*|SnoozeSelect\(|isinstance\(item, discord\.ui\.Select\)"
    others = re.sub(snooze, "", others)
    assert not re.search(r"ui\.(Modal|select|Select|button\()|\w+Select\b\(", others)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_an_opt_out_that_was_answered_is_known_although_the_database_stood_still_until_the_end(
    local, world, store, tmp_path, number
):
    address = {"DATABASE_URL": store.url} if store.url else {}
    async with online_bot(local, tmp_path, **address) as bot, store.standing_still():
        local.patience = 0
        out = await world.alice.slash(world.channel, "privacy opt-out")
        if number == signal.SIGKILL:
            await until(lambda: is_complete(out))
        else:
            await until(lambda: out.acknowledged)
        bot.process.send_signal(number)
        await bot.ended()
        assert is_complete(out)
        assert out.response.content.startswith(OUT)
    local.patience = 30.0
    async with online_bot(local, tmp_path, **address) as bot:
        seen = await world.alice.slash(world.channel, "privacy see")
        assert "You opted out on" in seen.response.content
