"""Many people who write, change and delete, ask, opt out and in, as fast as the bot lets them."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import discord
from simcord import ChannelHandle, InteractionResult, MemberActor
from simcord.backend.errors import SetupError
from simcord.results import to_discord_message

from bot.commands.privacy import (
    DELETION_NOTED,
    IN,
    NEVER_OUT,
    NOT_DELETED,
    NOTHING,
    OUT,
    OUT_NOT_DELETED,
    OUT_UNDELETED,
)
from bot.demo.local_discord import LocalDiscord
from bot.domain.snowflake import hour_of
from tests.discord.canary import CANARY
from tests.discord.wire import add_admin, build_world
from tests.soak.plain_model import TEXTS, PlainModel

PEOPLE = 16
CHANNELS = 3
RECENT = 25
"""Only so many last messages of a channel are edited and deleted: of a longer absence no more is promised."""

_NOTICE = "**Heads-up: I measure"

_LONGEST = 120.0

PATIENCE = 20.0
"""After so many seconds people ask again, because nothing came."""


def is_complete(result: InteractionResult) -> bool:
    """Whether the person has an answer, and no "thinking…" any more; under a button that may be nothing to see."""
    return result.acknowledged and not result._interaction.loading


@dataclass(slots=True)
class Asked:
    """An interaction: when it was begun, and when the bot first answered it, by `time.time`."""

    name: str
    begun: float
    result: InteractionResult
    acknowledged: float | None = None
    done: float | None = None


@dataclass
class Town:
    """A server, its channels and its people, and everything they ask."""

    local: LocalDiscord
    plain: PlainModel
    rng: random.Random
    people: list[MemberActor] = field(default_factory=list)
    channels: list[ChannelHandle] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    messages: int = 0

    def __post_init__(self) -> None:
        world = build_world(self.local)
        guild = world.alice.guild
        self.guild = guild
        self.admin = add_admin(world)
        self.people = [guild.add_member(self.local.create_user(f"person{number}")) for number in range(PEOPLE)]
        self.channels = [guild.create_text_channel(f"talk{number}") for number in range(CHANNELS)]
        self.porch, self.weather = (guild.create_text_channel(name) for name in ("porch", "weather"))
        self.counted = (*self.channels, self.weather)
        self.first_hour = hour_of(self.local.backend.snowflake())
        shown = discord.PermissionOverwrite(view_channel=True)
        secret = discord.PermissionOverwrite(view_channel=False)
        self.mods = guild.create_text_channel("mods", overwrites={guild.default_role: secret, self.admin: shown})
        self.notice_gone: list[int] = []
        self.notices_ever: set[int] = set()
        self.local.backend.subscribers.append(self._hear)
        self._minds: set[asyncio.Task[None]] = set()
        self._recent: dict[int, list[int]] = {channel.id: [] for channel in self.channels}

    def ask(self, who: MemberActor, channel: ChannelHandle, name: str, **options: Any) -> Asked:
        """Somebody uses a command; nobody waits here."""
        return self._note(name, who.slash(channel, name, **options))

    def storm(self) -> None:
        """Everybody who is not silent is angry, in the channel that has a past."""
        for person in range(PEOPLE):
            if person not in self.plain.in_doubt:
                message = self.local.backend.create_message(self.weather.id, self.people[person].id, TEXTS[1])
                self.plain.written(message.id, self.weather.id, person, 1)
                self.messages += 1

    def write(self) -> None:
        """Somebody says something, changes it, or takes it back."""
        channel, chance = self.rng.choice(self.channels), self.rng.random()
        recent = self._recent[channel.id]
        if recent and chance < 0.12:
            self._change(channel, recent)
            return
        person = self.rng.randrange(PEOPLE)
        if person in self.plain.in_doubt:
            return
        text = self.rng.randrange(len(TEXTS))
        message = self.local.backend.create_message(channel.id, self.people[person].id, TEXTS[text])
        self.plain.written(message.id, channel.id, person, text)
        self.messages += 1
        recent.append(message.id)
        del recent[:-RECENT]

    def _change(self, channel: ChannelHandle, recent: list[int]) -> None:
        number = self.rng.choice(recent)
        if self.plain.said[number].person in self.plain.in_doubt:
            return
        if self.rng.random() < 0.5:
            text = self.rng.randrange(len(TEXTS))
            self.local.backend.edit_message(channel.id, number, {"content": TEXTS[text]})
            self.plain.edited(number, text)
        else:
            self.local.backend.delete_message(channel.id, number)
            self.plain.deleted(number)
            recent.remove(number)

    def write_on_the_porch(self) -> None:
        """Where the notice is deleted now and then, nobody may be read until another stands."""
        person = self.rng.choice(self.people)
        self.local.backend.create_message(self.porch.id, person.id, self.rng.choice(TEXTS))

    def _hear(self, event: str, payload: Mapping[str, Any]) -> None:
        """Notes every notice that is posted on the porch."""
        ours = event == "MESSAGE_CREATE" and int(payload["channel_id"]) == self.porch.id
        if ours and payload["content"].startswith(_NOTICE):
            self.notices_ever.add(int(payload["id"]))

    def notices(self, channel: ChannelHandle) -> list[int]:
        """The bot's own messages in a channel that tell people so."""
        bot = self.local.backend.bot_user.id
        there = self.local.backend.messages.get(channel.id, {}).values()
        return [one.id for one in there if one.author_id == bot and one.content.startswith(_NOTICE)]

    def delete_notice(self) -> bool:
        """Somebody does not want to be read on the porch."""
        standing = self.notices(self.porch)
        for number in standing:
            self.notice_gone.append(self.local.backend.snowflake())
            self.local.backend.delete_message(self.porch.id, number)
        return bool(standing)

    def question(self) -> None:
        """One of the things that people ask."""
        who, where = self.rng.choice(self.people), self.rng.choice(self.channels)
        match self.rng.randrange(8):
            case 0 | 1:
                self.ask(who, where, "sentiment", text=self.rng.choice(TEXTS), private=self.rng.random() < 0.5)
            case 2:
                self.ask(who, where, "sentiment", text=f"{CANARY} is as good as ever. " * self.rng.randint(20, 150))
            case 3:
                self._check(who, where)
            case 4:
                self.ask(who, where, "mood channel")
            case 5:
                self.ask(who, where, "privacy see")
            case 6:
                command = self.rng.choice(("monitor status", "monitor doctor", "mood export", "mood server"))
                self.ask(self.admin, where, command)
            case 7:
                self._press(who)

    def _check(self, who: MemberActor, where: ChannelHandle) -> None:
        recent = self._recent[where.id]
        if recent:
            stored = self.local.backend.get_message(where.id, self.rng.choice(recent))
            message = to_discord_message(self.local, stored)
            self._note("Check sentiment", who.context_menu(where, "Check sentiment", message))

    def _press(self, who: MemberActor) -> None:
        shown = [one for one in self.asked[-30:] if one.name == "sentiment" and is_complete(one.result)]
        if not shown:
            return
        response = self.rng.choice(shown).result.response
        if response is not None and response.components and not response.ephemeral:
            label = self.rng.choice(("Why?", "Right", "Wrong"))
            with suppress(SetupError):  # that button is not there any more
                self._note(label, who.click(response, label=label))

    def _note(self, name: str, asking: Any) -> Asked:
        """Begins it: with no patience the simulated person returns as soon as the bot has been sent the question."""
        begun = time.time()
        try:
            asking.send(None)
        except StopIteration as ended:
            asked = Asked(name, begun, ended.value)
            self.asked.append(asked)
            return asked
        raise AssertionError("somebody waits where nobody should")

    async def look(self) -> None:
        """Notes when each question was answered first, and when at last."""
        while True:
            now = time.time()
            for one in self._open():
                if one.acknowledged is None and one.result.acknowledged:
                    one.acknowledged = now
                if is_complete(one.result):
                    one.done = now
            await asyncio.sleep(0.03)

    def _open(self) -> Iterator[Asked]:
        for one in self.asked[-200:]:
            if one.done is None:
                yield one

    async def change_mind(self, person: int) -> None:
        """Somebody opts out, opts in, or has their data deleted, and asks until they are told that it is done.

        Who stops to wait for it does not stop them.
        """
        mind = asyncio.create_task(self._change_mind(person))
        self._minds.add(mind)
        await asyncio.shield(mind)

    async def _change_mind(self, person: int) -> None:
        self.plain.in_doubt.add(person)
        await asyncio.sleep(0.2)  # what they have just written has its number
        if person in self.plain.out:
            await self._until_told(person, "privacy opt-in", (IN, NEVER_OUT))
            self.plain.out.discard(person)
            await asyncio.sleep(1.1)
        elif self.rng.random() < 0.5:
            asked = await self._until_told(person, "privacy opt-out", (OUT,))
            self.plain.forgotten(person, asked.result._interaction.id)
            self.plain.out.add(person)
        else:
            await self._delete(person)
        self.plain.in_doubt.discard(person)

    async def finish(self) -> int:
        """Whoever does not know yet whether what they have asked for was done is told; returns how many never are."""
        looking = asyncio.create_task(self.look())
        _, untold = await asyncio.wait(self._minds or [looking], timeout=_LONGEST)
        for task in (looking, *untold):
            task.cancel()
        return len(untold)

    async def _until_told(self, person: int, command: str, right: tuple[str, ...]) -> Asked:
        while True:
            asked = self.ask(self.people[person], self.channels[0], command)
            if await _comes(asked):
                said = asked.result.response.content
                if said.startswith(right) and not said.endswith((OUT_NOT_DELETED, OUT_UNDELETED)):
                    return asked
            await asyncio.sleep(1.0)

    async def _delete(self, person: int) -> None:
        doubts: list[int] = []
        while True:
            asked = self.ask(self.people[person], self.channels[0], "privacy delete")
            if await _comes(asked):
                if asked.result.response.content == NOTHING:
                    for number in doubts:
                        self.plain.perhaps_forgotten(person, number)
                    return
                answer = asked.result.response
                if answer is not None and answer.components:
                    click = self._note("Delete", self.people[person].click(answer, label="Delete"))
                    doubts.append(click.result._interaction.id)
                    if await _is_deleted(asked):
                        self.plain.forgotten(person, doubts[-1])
                        return
            await asyncio.sleep(1.0)


async def _comes(asked: Asked) -> bool:
    return await _within(lambda: is_complete(asked.result) and asked.result.response is not None)


async def _is_deleted(asked: Asked) -> bool:
    """The answer with the button becomes the one that says how much is gone."""
    done = ("Removed:", "I had no scores", DELETION_NOTED)
    await _within(lambda: asked.result.response.content.startswith((*done, NOT_DELETED)))
    return asked.result.response.content.startswith(done)


async def _within(condition: Any) -> bool:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False
