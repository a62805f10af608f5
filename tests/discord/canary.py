"""An unusual string, the ways in which the bot meets it, and where it must not be afterwards.

A new way for a text to reach the bot is one more entry of `PATHS`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import discord
from simcord.backend.models.message import Poll, PollAnswer

from model import Unreadable
from tests.cards import card, reply
from tests.discord.wire import ANSWER, CALLBACK, World, add_admin, answered, until

CANARY = "Xylophonic-Zwieback"
NAMED = "Quizzical-Pumpernickel"
"""What a moderator calls an event, for all to read: that is kept on purpose, in the database and nowhere else."""

LOVE, HATE = f"I really love this {CANARY}", f"I hate {CANARY}, it is terrible"
POLISH = f"Wszyscy bardzo lubimy {CANARY}"
DANGER = f"nobody would miss me if i was gone, not even {CANARY}"

_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")


async def ask_in_public(world: World) -> None:
    """And why, and that it is right."""
    answer = await world.ask(LOVE)
    assert (await world.why(answer)).response.embeds
    followed = (await world.press(answer, "Right")).followups
    assert followed
    if followed[-1].components:  # not where the database did not note it
        await world.alice.click(followed[-1], label="Take it back")


async def ask_in_private(world: World) -> None:
    """And say that it is wrong."""
    answer = await world.ask(HATE, private=True)
    (which,) = (await world.press(answer, "Wrong")).followups
    await world.alice.select(which, ["1"])


async def ask_in_a_direct_message(world: World) -> None:
    assert (await world.alice.user.slash("sentiment", text=f"What do you think of {CANARY}?")).response.components


async def ask_about_a_long_text(world: World) -> None:
    answer = await world.ask(" ".join(f"{LOVE}, said number {number}." for number in range(100)))
    assert "parts" in card(answer.response)


async def ask_in_another_language(world: World) -> None:
    for private in (False, True):
        answer = await world.ask(POLISH, private=private)
        assert reply(answer).content == str(Unreadable("Polish"))


async def ask_about_danger(world: World) -> None:
    for private in (False, True):
        assert answered(await world.ask(DANGER, private=private))


async def ask_about_a_message(world: World) -> None:
    answer = await world.check(f"{CANARY} is fine")
    assert (await world.why(answer)).response.embeds


async def ask_about_all_that_a_message_can_say(world: World) -> None:
    """Words that somebody else wrote, that stand in a box, that are a question, and that may not be read at all."""
    backend = world.local.backend
    forwarded = await world.alice.forward(await world.maya.send(world.channel, HATE), world.channel)
    poll = Poll(HATE, [PollAnswer(1, LOVE)], backend.iso_after(3600))
    asked = backend.create_message(world.channel.id, world.maya.id, "", poll=poll)
    boxed = await world.alice.guild.create_webhook(world.channel).send("", embeds=[discord.Embed(description=HATE)])
    for message in (forwarded, world.channel.history()[-2], boxed):
        answer = await world.alice.context_menu(world.channel, "Check sentiment", message)
        assert (await world.why(answer)).response.embeds
    assert asked.poll is poll
    await world.maya.slash(world.channel, "privacy opt-out")
    assert not (await world.check(HATE)).response.components
    await world.maya.slash(world.channel, "privacy opt-in")


async def be_watched(world: World) -> None:
    """An admin has the channel watched and tagged, looks at it in every way, and everything is answered."""
    admin = add_admin(world)
    for command in ("enable", "preview", "status", "doctor", "settings", "replay"):
        options: dict[str, dict[str, Any]] = {
            "enable": {"tagging": True},
            "preview": {"channel": world.channel},
            "settings": {"mod_channel": world.channel},
            "replay": {"channel": world.channel},
        }
        result = await admin.slash(world.channel, f"monitor {command}", **options.get(command, {}))
        assert result.response.ephemeral
    for command in ("channel", "server", "export"):
        result = await admin.slash(world.channel, f"mood {command}")
        await until(partial(answered, result))


async def say_edit_and_delete(world: World) -> None:
    """What the bot may see in a channel that it watches, and must not in any other."""
    await world.maya.send(world.channel, f"{LOVE}! " * 45)
    await world.maya.send(world.channel, DANGER)
    foreign = await world.maya.send(world.channel, POLISH)
    await world.maya.edit(foreign, HATE)
    message = await world.maya.send(world.channel, LOVE)
    await world.maya.edit(message, HATE)
    await world.maya.send(world.channel, f"{CANARY} stays")
    await world.maya.delete(message)


async def mark_events(world: World) -> None:
    """What somebody names is kept; what they only type, and what is refused, isn't."""
    admin = add_admin(world)
    typed = (
        ("mark", {"text": CANARY, "when": f"{CANARY} o'clock"}),
        ("mark", {"text": NAMED}),
        ("marks", {}),
        ("unmark", {"mark": CANARY}),
        ("channel", {}),
    )
    for command, options in typed:
        result = await admin.slash(world.channel, f"mood {command}", **options)
        await until(partial(answered, result))
    await admin.autocomplete(world.channel, "mood unmark", "mark", CANARY)
    await admin.autocomplete(world.channel, "mood unmark", "mark", NAMED[:9])


async def use_privacy(world: World) -> None:
    """Nothing of a text is there to be shown, but whatever is shown is built here."""
    for command in ("see", "export", "delete", "opt-out", "opt-in"):
        assert (await world.maya.slash(world.channel, f"privacy {command}")).response.ephemeral


async def be_refused_the_answer(world: World) -> None:
    """Discord does not take it; the person gets an apology."""
    for status, code in ((400, 50035), (403, 50013)):
        world.local.http_error("PATCH", ANSWER, status=status, code=code)
        (failed,) = world.ask_at_once([LOVE], private=True)
        await until(partial(answered, failed))
        world.local.http_error("POST", CALLBACK, status=status, code=code)
        (failed,) = world.ask_at_once([LOVE])
        await until(partial(answered, failed))


async def be_too_late(world: World) -> None:
    """Discord has forgotten the question, or the answer's message was deleted."""
    world.local.http_error("POST", CALLBACK, status=404, code=10062)
    await world.ask(LOVE)
    world.local.http_error("PATCH", ANSWER, status=404, code=10008)
    world.ask_at_once([LOVE], private=True)
    await until(lambda: not any(fault.times for fault in world.local.rest._faults))


async def wait_for_a_limit_and_a_bad_gateway(world: World) -> None:
    world.local.rate_limit("PATCH", ANSWER, retry_after=0.1)
    world.local.http_error("PATCH", ANSWER, status=502)
    assert (await world.ask(HATE, private=True)).response.components


PATHS: tuple[Callable[[World], Awaitable[None]], ...] = (
    ask_in_public,
    ask_in_private,
    ask_in_a_direct_message,
    ask_about_a_long_text,
    ask_in_another_language,
    ask_about_danger,
    ask_about_a_message,
    ask_about_all_that_a_message_can_say,
    be_watched,
    say_edit_and_delete,
    be_watched,
    mark_events,
    use_privacy,
    be_refused_the_answer,
    be_too_late,
    wait_for_a_limit_and_a_bad_gateway,
)


def traces(content: bytes, canary: str = CANARY) -> Iterator[str]:
    """The canary's words that are in these bytes, in any case and encoding."""
    for word in canary.split("-"):
        for encoding in _ENCODINGS:
            if word.lower().encode(encoding) in content.lower():
                yield f"{word} in {encoding}"


def traces_in_files(folder: Path, canary: str = CANARY) -> list[str]:
    """Every file below the folder that holds one, by its name or content."""
    contents = {file: file.name.encode() + b"\0" + file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    return [f"{file.name}: {found}" for file, content in contents.items() for found in traces(content, canary)]
