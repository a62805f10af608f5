"""The unmodified bot in a process of its own, a Discord on this machine, and people who use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path

import discord
from simcord import ChannelHandle, InteractionResult, MemberActor
from simcord.enums import AppCommandType, InteractionType, OptionType
from simcord.interactions import base_payload

from bot.demo.gateway import Op
from bot.demo.launch import bot_process, wait_until_ready
from bot.demo.local_discord import LocalDiscord

PATIENCE = 45.0
"""Seconds; a busy machine is slow, not wrong."""

ONE_THREAD = {"THREADS": "1"}
"""For the model: a second one would compete with the other tests' for the same cores."""

CALLBACK = "/interactions/*/callback"
ANSWER = "/webhooks/*/messages/@original"
LONG = " ".join(f"Visit number {number} was so good that we came back for more." for number in range(120))[:6000]
"""As long as the option allows, and no sentence twice: what is only repeated costs the model nothing."""


class Waiting(StrEnum):
    """What people have in front of them while their answers are computed."""

    PRIVATE = "a private question, acknowledged at once"
    PUBLIC = "a public one, acknowledged after a moment"
    UNDECIDED = "a public one in its first moment, in which nothing is sent yet"


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Returns once `condition` holds. Raises TimeoutError when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def answered(result: InteractionResult) -> bool:
    """Whether the person has the answer in front of them, and no "thinking…" any more."""
    return result.acknowledged and not result.deferred


def all_answered(results: Sequence[InteractionResult]) -> bool:
    """Whether everybody has an answer."""
    return all(map(answered, results))


@dataclass(frozen=True, slots=True)
class RunningBot:
    """The bot's process and the file that holds its standard error."""

    process: asyncio.subprocess.Process
    stderr: Path

    @property
    def said(self) -> str:
        return self.stderr.read_text("utf-8")

    async def ended(self) -> int:
        """The exit code, once the process has ended by itself."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"it goes on; it has said:\n{self.said[-4000:]}") from None


@asynccontextmanager
async def started_bot(local: LocalDiscord, folder: Path, **settings: str) -> AsyncIterator[RunningBot]:
    """The bot, just started, with that folder for its files."""
    file = folder / "stderr"
    with file.open("wb") as stderr:
        async with bot_process(local, folder / "data", {**ONE_THREAD, **settings}, stderr=stderr.fileno()) as process:
            yield RunningBot(process, file)


@asynccontextmanager
async def online_bot(local: LocalDiscord, folder: Path, **settings: str) -> AsyncIterator[RunningBot]:
    """The bot, started and connected with all its shards."""
    async with started_bot(local, folder, **settings) as bot:
        await wait_until_ready(local, bot.process)
        await until(lambda: len(local.gateway.connected) == local.rest.shards)
        yield bot


@dataclass(frozen=True, slots=True)
class World:
    """A server with two people in it, and what they do with the bot."""

    local: LocalDiscord
    channel: ChannelHandle
    alice: MemberActor
    maya: MemberActor

    async def ask(self, text: str, **options: object) -> InteractionResult:
        """Alice uses /sentiment and waits for the answer."""
        return await self.alice.slash(self.channel, "sentiment", text=text, **options)

    def ask_at_once(self, texts: Iterable[str], *, private: bool = False) -> list[InteractionResult]:
        """Alice uses /sentiment for every text in the same instant and waits for nothing."""
        backend = self.local.backend
        command = backend.find_command("sentiment", None, type=AppCommandType.CHAT_INPUT)
        assert command is not None
        results = []
        for text in texts:
            options = [
                {"name": "text", "type": OptionType.STRING, "value": text},
                {"name": "private", "type": OptionType.BOOLEAN, "value": private},
            ]
            record, payload = base_payload(
                backend,
                type=InteractionType.APPLICATION_COMMAND,
                channel_id=self.channel.id,
                guild_id=self.alice.guild.id,
                user_id=self.alice.id,
                data={"id": command["id"], "name": command["name"], "type": command["type"], "options": options},
            )
            backend.emit("INTERACTION_CREATE", payload)
            results.append(InteractionResult(self.local, record))
        return results

    async def ask_and_wait(self, texts: Sequence[str], waiting: Waiting) -> list[InteractionResult]:
        """Asks at once, and returns when the bot has every question and people wait for the answers like that."""
        answers = self.ask_at_once(texts, private=waiting is Waiting.PRIVATE)
        if waiting is Waiting.UNDECIDED:
            (later,) = self.ask_at_once([texts[0]], private=True)  # the bot gets them in order
            await until(lambda: later.acknowledged)
            assert not any(answer.acknowledged for answer in answers)
            return [*answers, later]
        await until(lambda: all(answer.acknowledged for answer in answers))
        assert not all(answered(answer) for answer in answers)
        return answers

    async def check(self, content: str) -> InteractionResult:
        """Alice uses "Check sentiment" on a message of Maya's and waits for the answer."""
        message = await self.maya.send(self.channel, content)
        return await self.alice.context_menu(self.channel, "Check sentiment", message)

    async def why(self, answer: InteractionResult) -> InteractionResult:
        """Alice presses the button under an answer and waits for what it brings."""
        return await self.press(answer, "Why?")

    async def press(self, answer: InteractionResult, label: str) -> InteractionResult:
        """Alice presses the button with that label under an answer and waits for what it brings."""
        assert answer.response is not None
        return await self.alice.click(answer.response, label=label)


def build_world(local: LocalDiscord, guild_id: int | None = None) -> World:
    """A server with one channel and two people."""
    guild = local.create_guild("Home", id=guild_id)
    alice, maya = (guild.add_member(local.create_user(name)) for name in ("alice", "maya"))
    return World(local, guild.create_text_channel("general"), alice, maya)


def add_admin(world: World) -> MemberActor:
    """A member of the world's server who may use /monitor."""
    guild = world.alice.guild
    role = guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return guild.add_member(world.local.create_user("adam"), roles=[role])


@contextmanager
def new_requests(local: LocalDiscord) -> Iterator[list[str]]:
    """A list that holds, afterwards, the REST requests made meanwhile."""
    before, found = len(local.requests), []
    yield found
    found += local.requests[before:]


def matching(requests: Iterable[str], method: str, path: str) -> list[str]:
    """Those of the requests; `path` is an fnmatch pattern."""
    return [request for request in requests if fnmatch(request, f"{method} {path}")]


def assert_answered_once(requests: list[str], answers: Sequence[InteractionResult], aside: str = "") -> None:
    """The requests are one for each question and at most one more, to fill in an answer that was deferred.

    But for those who were told `aside` alone, although "thinking…" was public: one or two more, the second to take away
    what everybody sees, if there is time for it before the end.
    """
    alone = [answer for answer in answers if answer.followups]
    first, filled = matching(requests, "POST", CALLBACK), matching(requests, "PATCH", ANSWER)
    assert len(first) == len(set(first)) == len(answers)
    assert len(filled) == len(set(filled))
    assert len(alone) <= len(requests) - len(first) - len(filled) <= 2 * len(alone)
    assert all(answered(answer) for answer in answers)
    others = [answer for answer in answers if not answer.followups]
    assert len({answer.response.id for answer in others}) == len(others)
    told = [followed for answer in alone for followed in answer.followups]
    assert len(told) == len(alone)
    assert all(followed.ephemeral and followed.content == aside for followed in told)


@contextmanager
def new_ops(local: LocalDiscord) -> Iterator[list[Op]]:
    """A list that holds, afterwards, what the bot sent to the gateway meanwhile, heartbeats aside."""
    before, found = len(local.gateway.log), []
    yield found
    found += [op for op in local.gateway.log[before:] if op is not Op.HEARTBEAT]
