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
from bot.charts.heatmap import draw_heatmap, heatmap_alt
from bot.charts.marks import marks_alt, marks_in_words, within
from bot.charts.rhythm import cells, week_in_words
from bot.charts.summary import alternative_text, compared, sentences
from bot.commands.mood.buttons import under_chart
from bot.commands.mood.csv_export import TooMuch, to_csv
from bot.commands.mood.marks import MarkCommands
from bot.commands.mood.query import Asked, Reading, read_channel, read_channel_hours, read_pair, read_server
from bot.commands.mood.time_range import DEFAULT, NoSuchTime, Since, read_since, suggested
from bot.commands.mood.visibility import NotToldHere, Place, may_be_told_here, place_of, visible_channels
from bot.domain.disclosure import BASE, FEWEST_WITHOUT_NOISE, told_from
from bot.domain.marks import Mark
from bot.domain.records import FEWEST_AUTHORS, AdminAction, Audited, TargetKind
from bot.domain.snowflake import SECONDS
from bot.i18n import N_, gettext, ngettext
from bot.i18n.formats import percent
from bot.presentation.language_words import languages_of
from bot.presentation.text import UNREAD_FROM
from bot.services import services_of
from bot.storage.errors import DatabaseUnavailable
from bot.storage.open_storage import Storage
from bot.ui.replies import Reply, reply_to_all, reply_to_asker
from model.concurrency import in_thread

SINCE = N_("How far back: 7 days, last tuesday, nov 1, 2026-11-01 …")
PRIVATE = N_("Only show the answer to you")
FULL_SCALE = N_("Draw from \N{MINUS SIGN}1 to +1, so that charts can be compared")
NOT_AN_ADMIN = N_("You need **Manage Server** to export this server's mood.")
UNAVAILABLE = N_("My database isn't responding. Please try again in a minute.")
_NOTHING_TO_EXPORT = N_("No hours {when} with {fewest} or more people, so there's nothing to export.")
_ALT_LIMIT = 1024
_REFUSALS = (NoSuchTime, NotToldHere, TooMuch, TooBusy)


@app_commands.guild_only()
@app_commands.allowed_installs(guilds=True, users=False)
class MoodCog(
    MarkCommands, commands.GroupCog, group_name="mood", group_description="How a channel or the server feels"
):
    """Charts and exports of what may be told. Nobody can ask about a person."""

    def __init__(self, storage: Storage, charts: ChartExecutor) -> None:
        super().__init__()
        self.storage = storage
        self.charts = charts

    @app_commands.command(description="How a channel has been feeling, and whether that's normal")
    @app_commands.describe(
        channel="Which channel (this one if empty)",
        since=SINCE,
        private=PRIVATE,
        full_scale=FULL_SCALE,
    )
    async def channel(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption | None = None,
        since: app_commands.Range[str, 1, 60] = DEFAULT,
        private: bool = False,
        full_scale: bool = False,
    ) -> None:
        """One channel, its threads counted in."""

        async def answer(asked: Asked, words: str) -> Reply:
            place = place_of(interaction, channel)
            reading = await read_channel(self.storage.moods, asked, place.id)
            if reading.timeline.total is None:
                return Reply(_nothing(place.mention, words, reading, asked))
            title = gettext("**{channel} {when}**", channel=place.mention, when=words)
            return await self._chart(title, place.name, reading, asked, full_scale=full_scale, channel_id=place.id)

        await self._answer(interaction, since, private, answer, lambda: [place_of(interaction, channel)])

    @app_commands.command(description="How the server has been feeling (the watched channels you can see)")
    @app_commands.describe(since=SINCE, private=PRIVATE, full_scale=FULL_SCALE)
    async def server(
        self,
        interaction: discord.Interaction,
        since: app_commands.Range[str, 1, 60] = DEFAULT,
        private: bool = False,
        full_scale: bool = False,
    ) -> None:
        """The channels that the asker can see, together: otherwise the difference would tell of the others."""

        async def answer(asked: Asked, words: str) -> Reply:
            seen = [place.id for place in visible_channels(interaction)]
            reading = await read_server(self.storage.moods, asked, seen)
            if reading.timeline.total is None:
                return Reply(_nothing(None, words, reading, asked))
            title = gettext("**The server {when}**", when=words)
            return await self._chart(title, gettext("The server"), reading, asked, full_scale=full_scale)

        await self._answer(interaction, since, private, answer, lambda: visible_channels(interaction))

    @app_commands.command(description="Compare two channels")
    @app_commands.describe(
        channel="The first channel",
        other="The second channel",
        since=SINCE,
        private=PRIVATE,
        full_scale=FULL_SCALE,
    )
    async def compare(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption,
        other: ChannelOption,
        since: app_commands.Range[str, 1, 60] = DEFAULT,
        *,
        private: bool = False,
        full_scale: bool = False,
    ) -> None:
        """The same time in the same buckets."""

        def places() -> list[Place]:
            pair = [place_of(interaction, channel), place_of(interaction, other)]
            if pair[0].id == pair[1].id:
                raise NotToldHere(gettext("That's the same channel twice. Pick two."))
            return pair

        async def answer(asked: Asked, words: str) -> Reply:
            first, second = places()
            readings = await read_pair(self.storage.moods, asked, first.id, second.id)
            for place, reading in zip((first, second), readings, strict=True):
                if reading.timeline.total is None:
                    return Reply(_nothing(place.mention, words, reading, asked))
            lines = [reading.line(place.name, None) for place, reading in zip((first, second), readings, strict=True)]
            said = compared((first.mention, second.mention), (readings[0].timeline, readings[1].timeline))
            picture = await self._picture(lines, asked, await self._marks(readings[0], asked), full_scale=full_scale)
            title = gettext("**{first} and {second} {when}**", first=first.mention, second=second.mention, when=words)
            return Reply(f"{title}\n{said}", file=picture)

        await self._answer(interaction, since, private, answer, places)

    @app_commands.command(description="When in the week a channel feels best and worst, by hour and weekday")
    @app_commands.describe(
        channel="Which channel (this one if empty)", since=SINCE, private=PRIVATE, full_scale=FULL_SCALE
    )
    async def heatmap(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption | None = None,
        since: app_commands.Range[str, 1, 60] = "28 days",
        private: bool = False,
        full_scale: bool = False,
    ) -> None:
        """One channel's usual week, out of the hours that are told of it and nothing else."""

        async def answer(asked: Asked, words: str) -> Reply:
            place = place_of(interaction, channel)
            reading = await read_channel_hours(self.storage.moods, asked, place.id)
            if not reading.hours:
                return Reply(_nothing(place.mention, words, reading, asked))

            def drawn() -> tuple[str, bytes, str]:
                found = cells(reading.hours, asked.zone)
                png = draw_heatmap(found, asked.zone, full_scale=full_scale)
                return week_in_words(reading.hours, asked.zone), png, heatmap_alt(place.name, found, asked.zone)

            said, png, alt = await self.charts.run(drawn)
            picture = discord.File(io.BytesIO(png), "week.png", description=alt)
            title = gettext("**{channel} {when}, by hour and weekday**", channel=place.mention, when=words)
            return Reply(f"{title}\n{said}", file=picture)

        await self._answer(interaction, since, private, answer, lambda: [place_of(interaction, channel)])

    @app_commands.command(description="Download the hourly numbers as CSV (needs Manage Server)")
    @app_commands.describe(channel="Which channel (all you can see if empty)", since=SINCE)
    async def export(
        self,
        interaction: discord.Interaction,
        channel: ChannelOption | None = None,
        since: app_commands.Range[str, 1, 60] = "90 days",
    ) -> None:
        """For the asker alone, and written down."""

        def places() -> list[Place]:
            if not interaction.permissions.manage_guild:
                raise NotToldHere(gettext(NOT_AN_ADMIN))
            if channel is None:
                return visible_channels(interaction)
            return [place_of(interaction, channel)]

        async def answer(asked: Asked, words: str) -> Reply:
            names = {place.id: place.name for place in places()}
            told = await self.storage.moods.told_hours(asked.first_hour, asked.end_hour - 1, (asked.guild_id,), names)
            if not told:
                return Reply(gettext(_NOTHING_TO_EXPORT, when=words, fewest=FEWEST_AUTHORS))
            hours = ((where, hour) for _, where, hour in told)
            table = await self.charts.run(lambda: to_csv(hours, names, asked.zone))
            kind = TargetKind.SERVER if channel is None else TargetKind.CHANNEL
            target = asked.guild_id if channel is None else next(iter(names))
            actor = self.storage.pseudonyms.author(interaction.user.id)
            entry = Audited(asked.guild_id, int(asked.now), actor, AdminAction.EXPORT, kind, target)
            await self.storage.guilds.add_audit(entry)
            text = f"{_exported(len(told), words)} {_rounding()}"
            return Reply(text, file=discord.File(io.BytesIO(table), "mood.csv"))

        await self._answer(interaction, since, True, answer, places)

    @channel.autocomplete("since")
    @server.autocomplete("since")
    @compare.autocomplete("since")
    @heatmap.autocomplete("since")
    @export.autocomplete("since")
    async def suggest_since(self, _interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        """What is often asked for; anything else can be typed."""
        return [app_commands.Choice(name=shown, value=text) for shown, text in suggested(current)]

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
                settings = await self.storage.guilds.settings(interaction.guild_id)
                info, zone = services_of(interaction).classifier.info, settings.zone
                chosen: Since = await in_thread(lambda: read_since(since, zone, now))
                await self.storage.write_buffer.flush()
                english = settings.english_only(languages_of(info))
                return await answer(Asked(interaction.guild_id, zone, chosen.first_hour, now, english), chosen.words)
        except _REFUSALS as refusal:
            return Reply(str(refusal), aside=True)
        except DatabaseUnavailable:
            return Reply(gettext(UNAVAILABLE), aside=True)

    async def _chart(
        self, title: str, name: str, reading: Reading, asked: Asked, *, full_scale: bool, channel_id: int = 0
    ) -> Reply:
        marks = await self._marks(reading, asked)

        def read() -> tuple[str, Line]:
            baseline = reading.learned(asked.zone)
            said = sentences(
                reading.timeline, reading.hours, baseline, asked.zone, reading.unread, english_only=asked.english_only
            )
            told = (*reading.past, *reading.hours)
            lines = (said, *marks_in_words(marks, told, baseline, asked.now))
            return "\n".join(lines), reading.line(name, baseline)

        said, line = await self.charts.run(read)
        picture = await self._picture([line], asked, marks, full_scale=full_scale)
        links = (await self.storage.guilds.settings(asked.guild_id)).links
        view = under_chart(reading, asked, channel_id, links=links)
        return Reply(f"{title}\n{said}", view=view, file=picture)

    async def _marks(self, reading: Reading, asked: Asked) -> tuple[Mark, ...]:
        """The server's events in the time that is drawn."""
        start = reading.timeline.buckets[0].start * SECONDS
        return within(await self.storage.marks.all(asked.guild_id, start), start, asked.now)

    async def _picture(
        self, lines: list[Line], asked: Asked, marks: tuple[Mark, ...], *, full_scale: bool
    ) -> discord.File:
        png = await self.charts.run(lambda: draw(lines, asked.zone, full_scale=full_scale, marks=marks))
        said = (alternative_text(lines, asked.zone) + marks_alt(marks, asked.zone))[:_ALT_LIMIT]
        return discord.File(io.BytesIO(png), "mood.png", description=said)


def _exported(hours: int, words: str) -> str:
    return ngettext(
        "{count:,} hour {when} (only hours with {fewest}+ people).",
        "{count:,} hours {when} (only hours with {fewest}+ people).",
        hours,
        when=words,
        fewest=FEWEST_AUTHORS,
    )


def _rounding() -> str:
    return gettext(
        "Numbers are rounded: messages to multiples of {base}, people down to such a multiple, scores to two digits. "
        "Hours with under {fewest} people are blurred, and their standard error says by how much.",
        base=BASE,
        fewest=FEWEST_WITHOUT_NOISE,
    )


def _nothing(channel: str | None, words: str, reading: Reading, asked: Asked) -> str:
    """Why there is nothing to show of a channel, or of the whole server (None)."""
    if reading.unread is not None and reading.unread >= UNREAD_FROM:
        sentence = (_UNREAD if asked.english_only else _NOT_READ)[channel is None]
        share = percent(reading.unread)
        return gettext(sentence, channel=channel, when=words, share=share, fewest=FEWEST_AUTHORS)
    hour = f"<t:{told_from(asked.end_hour - 1)}:t>"
    later = gettext("Each hour shows up once it's over: this one at {time}.", time=hour)
    if reading.timeline.hidden:
        sentence = _TOO_FEW if channel is not None else _TOO_FEW_SERVER
        return f"{gettext(sentence, channel=channel, when=words, fewest=FEWEST_AUTHORS)} {later}"
    who = gettext("People with **Manage Server** choose what I watch, with `/monitor enable`.")
    sentence = _NO_DATA if channel is not None else _NO_DATA_SERVER
    return f"{gettext(sentence, channel=channel, when=words)} {later} {who}"


_UNREAD = (
    N_(
        "There's no mood of {channel} to show {when}: {share} of the messages aren't in English, which I can't read. "
        "An hour needs {fewest} people whose messages I can."
    ),
    N_(
        "There's no mood of this server to show {when}: {share} of the messages aren't in English, which I can't read. "
        "An hour needs {fewest} people whose messages I can."
    ),
)
_NOT_READ = (
    N_(
        "There's no mood of {channel} to show {when}: {share} of the messages are in languages I don't read. "
        "An hour needs {fewest} people whose messages I do."
    ),
    N_(
        "There's no mood of this server to show {when}: {share} of the messages are in languages I don't read. "
        "An hour needs {fewest} people whose messages I do."
    ),
)
"""Of a channel, and of the whole server."""
_TOO_FEW = N_("Not enough people in {channel} {when}: I only show hours in which {fewest} or more people wrote.")
_TOO_FEW_SERVER = N_(
    "Not enough people in this server {when}: I only show hours in which {fewest} or more people wrote."
)
_NO_DATA = N_("No data for {channel} {when}: I'm not watching it, or nobody wrote.")
_NO_DATA_SERVER = N_("No data for this server {when}: I'm not watching it, or nobody wrote.")
