"""`python -m tests.bench.newcomer`: an admin who has just invited the bot to the demo's server, before and now.

What a person types and clicks is counted and timed by the keystroke-level model (Card, Moran and Newell 1980): 0.28 s a
key, 1.1 s to point, 0.2 s to click, 1.35 s to think before each step. What the bot takes is measured, over the wire.
The chart is of the made-up weeks; in a server without a past it needs an hour in which five people wrote.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from simcord import InteractionResult, MemberActor
from simcord.backend import serializers

from bot.demo.launch import bot_process, wait_until_ready
from bot.demo.local_discord import LocalDiscord
from bot.demo.world import World, build_world
from model.backends.base import granted_cpus
from model.backends.processor import processor_name
from tests.cards import card
from tests.discord.wire import answered, until

KEY, POINT, CLICK, THINK = 0.28, 1.1, 0.2, 1.35
_AGAIN_SECONDS = 5.0
CHANNELS = ("general", "gaming", "movies")
TEXT = "this slaps fr"

Act = Callable[[], Awaitable[InteractionResult | None]]


@dataclass(frozen=True)
class Step:
    """What a person types and how often they click, and what it does."""

    typed: str
    clicks: int
    act: Act

    @property
    def seconds(self) -> float:
        """How long a person takes over it."""
        return THINK + KEY * len(self.typed) + (POINT + CLICK) * self.clicks


class Newcomer:
    """The admin, and what they see."""

    def __init__(self, local: LocalDiscord, world: World) -> None:
        self.local, self.world = local, world
        self.you: MemberActor = world.members[0]
        self.form: InteractionResult | None = None

    async def use(self, command: str, **options: Any) -> InteractionResult:
        """A command, until its answer is there."""
        result = await self.you.slash(self.world.channels["general"], command, **options)
        await until(lambda: answered(result))
        return result

    async def open_form(self) -> InteractionResult:
        """The button under the greeting."""
        hello = self.world.channels["general"].history()[-1]
        assert "I'm Vibecheck" in hello.content
        self.form = await self.you.click(hello, custom_id="setup:begin")
        await until(lambda: answered(self.form))  # type: ignore[arg-type]
        return self.form

    async def choose(self) -> InteractionResult:
        """All three channels."""
        assert self.form is not None and self.form.response is not None
        channels = [self.world.channels[name] for name in CHANNELS]
        return await self.you.select(self.form.response, channels, custom_id="setup:channels")

    async def start(self) -> InteractionResult:
        """The button of the form."""
        assert self.form is not None and self.form.response is not None
        result = await self.you.click(self.form.response, custom_id="setup:start")
        message = self.form.response

        def shown() -> str:
            return str(self.local.backend.get_message(message.channel_id, message.id).components)

        await until(lambda: "Watching" in shown())
        return result

    def before(self) -> list[Step]:
        """Without `/setup`: each channel by itself, and the settings by their names, which have to be known."""
        steps = [
            Step(f"/monitor enable #{name}", 2, partial(self.use, "monitor enable", channel=self.world.channels[name]))
            for name in CHANNELS
        ]
        settings = {"timezone": "Europe/Berlin", "mod_channel": self.world.channels["mods"], "digest": "weekly"}
        typed = "/monitor settings timezone Europe/Berlin mod_channel #mods digest weekly"
        return [*steps, Step(typed, 4, partial(self.use, "monitor settings", **settings)), *self.questions()]

    def now(self) -> list[Step]:
        """By the button under the greeting. The mod channel and the time zone are guessed."""
        return [
            Step("", 1, self.open_form),
            Step("", 1 + len(CHANNELS), self.choose),
            Step("", 1, self.start),
            *self.questions(),
        ]

    def questions(self) -> list[Step]:
        """The first answer, and the first chart."""
        return [
            Step(f"/sentiment {TEXT}", 0, partial(self.use, "sentiment", text=TEXT)),
            Step("/mood channel", 0, partial(self.use, "mood channel")),
        ]


async def play(which: str) -> None:
    """Prints one way, from the invite on."""
    with tempfile.TemporaryDirectory() as folder:
        async with LocalDiscord() as local:
            world = build_world(local)
            guild = local.backend.get_guild(world.guild_id)
            guild.system_channel_id = world.channels["general"].id
            async with bot_process(local, Path(folder), past=world.past()) as process:
                await wait_until_ready(local, process)
                newcomer = Newcomer(local, world)
                guild.members[local.backend.bot_user.id].joined_at = local.backend.now_iso()
                payload = serializers.guild_create_payload(local.backend, guild)
                payload.pop("unavailable", None)
                seen, began = len(local.requests), 0.0
                greeting = f"POST /channels/{world.channels['general'].id}/messages"
                while greeting not in local.requests[seen:]:  # the library swallows it while it is getting ready
                    began = time.monotonic()
                    local.backend.emit("GUILD_CREATE", payload)
                    with suppress(TimeoutError):
                        await until(lambda: greeting in local.requests[seen:], _AGAIN_SECONDS)
                waited, human, typed, clicks = time.monotonic() - began, 0.0, 0, 0
                for step in getattr(newcomer, which)():
                    begun = time.monotonic()
                    result = await step.act()
                    waited += time.monotonic() - begun
                    human, typed, clicks = human + step.seconds, typed + len(step.typed), clicks + step.clicks
                    if step.typed.startswith(("/sentiment", "/mood")):
                        shown = result.response if result is not None else None
                        assert shown is not None and (card(shown) or shown.attachments), step.typed
                        what = "answer" if step.typed.startswith("/sentiment") else "chart"
                        total = human + waited
                        print(
                            f"{which:>6}: first {what} after {total:5.1f} s ({human:.1f} by hand, {waited:.1f} waiting)"
                        )
                print(f"{which:>6}: {typed} keys, {clicks} clicks")


async def main() -> None:
    """Both ways."""
    print(f"on {granted_cpus()} cores of {processor_name()}")
    for which in ("before", "now"):
        await play(which)


if __name__ == "__main__":
    asyncio.run(main())
