"""`/mood`: how channels feel, for everybody in a server who can see them."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable

import discord
from discord import app_commands
from discord.ext import commands

from bot.channels import ChannelOption
from bot.charts.drawing import Line, draw
from bot.charts.executor import ChartExecutor, TooBusy
from bot.charts.summary import alternative_text, compared, sentences
from bot.commands.mood.csv_export import TooMuch, to_csv
from bot.commands.mood.query import Asked, Reading, read_channel, read_pair, read_server
from bot.commands.mood.time_range import DEFAULT, SUGGESTED, NoSuchTime, Since, read_since
from bot.commands.mood.visibility import NotToldHere, Place, may_be_told_here, place_of, visible_channels
from bot.domain.disclosure import BASE, FEWEST_WITHOUT_NOISE, told_from
from bot.domain.records import FEWEST_AUTHORS, AdminAction, Audited, TargetKind
from bot.presentation.text import UNREAD_FROM
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage
from bot.ui.replies import Reply, reply_to_all, reply_to_asker
from model.concurrency import in_thread

NOT_AN_ADMIN = "Only members who may manage this server can export its mood."
UNAVAILABLE = "I cannot reach my records at the moment; please try again in a minute."
_REFUSALS = (NoSuchTime, NotToldHere, TooMuch, TooBusy)


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class MoodCog(commands.GroupCog, group_name="mood", group_description="How a channel or the server feels"):
    """Charts and exports of what may be told. Nobody can ask about a person."""

    def __init__(self, storage: Storage, charts: ChartExecutor) -> None:
        super().__init__()
        self.storage = storage
        self.charts = charts

    @app_commands.command(description="How a channel has felt, beside what is usual there")
    @app_commands.describe(
        channel="Where; empty: this channel",
        since="Such as 7 days, last tuesday, nov 1 or 2026-11-01",
        private="Show the answer to you alone",
    )
    async def channel(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption | None = None,
        since: app_commands.Range[str, 1, 60] = DEFAULT,
        private: bool = False,
    ) -> None:
        """One channel, its threads counted in."""

        async def answer(asked: Asked, words: str) -> Reply:
            place = place_of(interaction, channel)
            reading = await read_channel(self.storage.moods, asked, place.id)
            if reading.timeline.total is None:
                return Reply(_nothing(place.mention, words, reading, asked))
            return await self._chart(f"**{place.mention} {words}**", place.name, reading, asked)

        await self._answer(interaction, since, private, answer, lambda: [place_of(interaction, channel)])

    @app_commands.command(description="How the whole server has felt: the watched channels that you can see")
    @app_commands.describe(
        since="Such as 7 days, last tuesday, nov 1 or 2026-11-01", private="Show the answer to you alone"
    )
    async def server(
        self,
        interaction: discord.Interaction,
        since: app_commands.Range[str, 1, 60] = DEFAULT,
        private: bool = False,
    ) -> None:
        """The channels that the asker can see, together: otherwise the difference would tell of the others."""

        async def answer(asked: Asked, words: str) -> Reply:
            seen = [place.id for place in visible_channels(interaction)]
            reading = await read_server(self.storage.moods, asked, seen)
            if reading.timeline.total is None:
                return Reply(_nothing("this server", words, reading, asked))
            return await self._chart(f"**The server {words}**", "The server", reading, asked)

        await self._answer(interaction, since, private, answer, lambda: visible_channels(interaction))

    @app_commands.command(description="Two channels beside each other")
    @app_commands.describe(
        channel="The first channel",
        other="The second channel",
        since="Such as 7 days, last tuesday, nov 1 or 2026-11-01",
        private="Show the answer to you alone",
    )
    async def compare(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption,
        other: ChannelOption,
        since: app_commands.Range[str, 1, 60] = DEFAULT,
        private: bool = False,
    ) -> None:
        """The same time in the same buckets."""

        def places() -> list[Place]:
            pair = [place_of(interaction, channel), place_of(interaction, other)]
            if pair[0].id == pair[1].id:
                raise NotToldHere("These are the same channel: choose two.")
            return pair

        async def answer(asked: Asked, words: str) -> Reply:
            first, second = places()
            readings = await read_pair(self.storage.moods, asked, first.id, second.id)
            for place, reading in zip((first, second), readings, strict=True):
                if reading.timeline.total is None:
                    return Reply(_nothing(place.mention, words, reading, asked))
            lines = [reading.line(place.name, None) for place, reading in zip((first, second), readings, strict=True)]
            said = compared((first.mention, second.mention), (readings[0].timeline, readings[1].timeline))
            picture = await self._picture(lines, asked)
            return Reply(f"**{first.mention} and {second.mention} {words}**\n{said}", file=picture)

        await self._answer(interaction, since, private, answer, places)

    @app_commands.command(description="The hours that may be told as a CSV file; needs Manage Server")
    @app_commands.describe(
        channel="Which channel; empty: all that you can see", since="Such as 7 days, last tuesday, nov 1 or 2026-11-01"
    )
    async def export(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption | None = None,
        since: app_commands.Range[str, 1, 60] = "90 days",
    ) -> None:
        """For the asker alone, and written down."""

        def places() -> list[Place]:
            if not interaction.permissions.manage_guild:
                raise NotToldHere(NOT_AN_ADMIN)
            if channel is None:
                return visible_channels(interaction)
            return [place_of(interaction, channel)]

        async def answer(asked: Asked, words: str) -> Reply:
            names = {place.id: place.name for place in places()}
            told = await self.storage.moods.told_hours(asked.first_hour, asked.end_hour - 1, (asked.guild_id,), names)
            if not told:
                return Reply(f"There is no hour {words} of which something may be told.")
            hours = ((where, hour) for _, where, hour in told)
            table = await self.charts.run(lambda: to_csv(hours, names, asked.zone))
            kind = TargetKind.SERVER if channel is None else TargetKind.CHANNEL
            target = asked.guild_id if channel is None else next(iter(names))
            actor = self.storage.pseudonyms.author(interaction.user.id)
            entry = Audited(asked.guild_id, int(asked.now), actor, AdminAction.EXPORT, kind, target)
            await self.storage.guilds.add_audit(entry)
            text = (
                f"{len(told):,} hours {words} in which at least {FEWEST_AUTHORS} people wrote, rounded: messages to "
                f"multiples of {BASE}, people down to one, scores to two digits. With fewer than "
                f"{FEWEST_WITHOUT_NOISE} people an hour's numbers are blurred, which its standard error counts in."
            )
            return Reply(text, file=discord.File(io.BytesIO(table), "mood.csv"))

        await self._answer(interaction, since, True, answer, places)

    @channel.autocomplete("since")
    @server.autocomplete("since")
    @compare.autocomplete("since")
    @export.autocomplete("since")
    async def suggest_since(self, _interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """What is often asked for; anything else can be typed."""
        typed = " ".join(current.casefold().split())
        return [app_commands.Choice(name=text, value=text) for text in SUGGESTED if typed in text]

    async def _answer(
        self,
        interaction: discord.Interaction,
        since: str,
        private: bool,
        answer: Callable[[Asked, str], Awaitable[Reply]],
        places: Callable[[], list[Place]],
    ) -> None:
        """Refuses for the asker alone; otherwise answers for everybody, unless `private`.

        What not everybody here could see in its own channel is for the asker alone as well. Nothing is waited for until
        that is decided, and the rest is waited for as `reply_to_all` does, so that Discord always hears in time.
        """
        try:
            asked_about = [place.id for place in places()]
            private = private or not may_be_told_here(interaction, asked_about)
        except NotToldHere as refusal:
            await interaction.response.send_message(str(refusal), ephemeral=True)
            return
        reading = self._reading(interaction, since, answer)
        await (reply_to_asker if private else reply_to_all)(interaction, reading)

    async def _reading(
        self, interaction: discord.Interaction, since: str, answer: Callable[[Asked, str], Awaitable[Reply]]
    ) -> Reply:
        assert interaction.guild_id is not None
        now = interaction.created_at.timestamp()
        try:
            with self.charts.answer_for(interaction.user.id):
                zone = (await self.storage.guilds.settings(interaction.guild_id)).zone
                chosen: Since = await in_thread(lambda: read_since(since, zone, now))
                await self.storage.write_buffer.flush()
                return await answer(Asked(interaction.guild_id, zone, chosen.first_hour, now), chosen.words)
        except _REFUSALS as refusal:
            return Reply(str(refusal), aside=True)
        except DatabaseUnavailable:
            return Reply(UNAVAILABLE, aside=True)

    async def _chart(self, title: str, name: str, reading: Reading, asked: Asked) -> Reply:
        def read() -> tuple[str, Line]:
            baseline = reading.learned(asked.zone)
            said = sentences(reading.timeline, reading.hours, baseline, asked.zone, reading.unread)
            return said, reading.line(name, baseline)

        said, line = await self.charts.run(read)
        return Reply(f"{title}\n{said}", file=await self._picture([line], asked))

    async def _picture(self, lines: list[Line], asked: Asked) -> discord.File:
        png = await self.charts.run(lambda: draw(lines, asked.zone))
        return discord.File(io.BytesIO(png), "mood.png", description=alternative_text(lines, asked.zone))


def _nothing(where: str, words: str, reading: Reading, asked: Asked) -> str:
    if reading.unread is not None and reading.unread >= UNREAD_FROM:
        return (
            f"There's no mood of {where} to show {words}: {reading.unread} % of the messages aren't in English, which "
            f"I can't read. An hour needs {FEWEST_AUTHORS} people whose messages I can."
        )
    later = f"An hour is shown once it's over: this one from <t:{told_from(asked.end_hour - 1)}:t>."
    if reading.timeline.hidden:
        return (
            f"Nothing may be told of {where} {words}: never did {FEWEST_AUTHORS} people write in the same hour. {later}"
        )
    return (
        f"Nothing can be shown of {where} {words}: nobody wrote, or nothing was watched. {later} "
        "Members who may manage the server choose what is watched, with `/monitor enable`."
    )
