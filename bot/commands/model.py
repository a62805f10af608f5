"""`/model`: the bot's owner looks after the model while it answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import discord
from discord import app_commands
from discord.ext import commands

from bot.background_jobs import JobState
from bot.commands.model_release import NOT_ALONE, go_back, release, status_words
from bot.domain.records import Feedback
from bot.link.failures import REQUEST_FAILURES
from bot.presentation import palette
from bot.presentation.language_words import languages_of, named_all
from bot.services import Feature, Services, jobs_of
from bot.storage.errors import DatabaseUnavailable
from bot.storage.write_buffer import WriteBuffer
from model import SENTIMENTS, Comparison, ModelError, ModelInfo, Reloaded, ReloadRefused, ShadowReport

_log = logging.getLogger(__name__)

NOT_YOURS = "Only the bot's owner can do that."
COMMONEST = 3
"""Ways of being wrong that the status names."""

_UNCHANGED = "The current model keeps running."
_STEP_SECONDS = 1.0
"""How often a message that shows progress is rewritten; Discord allows five edits in five seconds."""

_T = TypeVar("_T")


def setup(services: Services) -> Feature:
    """The group of commands, for the owner's server alone."""
    return Feature(name="/model", owner_cogs=(ModelCog(services),))


_LONGEST_CHOICE = 100
"""Characters of a suggestion that Discord takes."""


@app_commands.guild_only()
@app_commands.default_permissions(administrator=True)
class ModelCog(commands.GroupCog, group_name="model", group_description="Manage the model (bot owner only)"):
    """Status, reload, rollback and shadow. Every answer is for the asker alone."""

    shadow = app_commands.Group(name="shadow", description="Try another model in the background")

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services

    async def interaction_check(self, interaction: discord.Interaction[Any], /) -> bool:
        """The owner or a member of the owning team, whatever the server's own permissions say; all else is logged."""
        command = interaction.command.qualified_name if interaction.command else "model"
        asked = f"{interaction.user} ({interaction.user.id})"
        if not await self.services.connection.is_owner(interaction.user):
            _log.warning("%s is not the owner and tried /%s", asked, command)
            await interaction.response.send_message(NOT_YOURS, ephemeral=True)
            return False
        given = ", ".join(f"{name}={value}" for name, value in interaction.namespace)
        _log.info("%s uses /%s %s", asked, command, given)
        return True

    @app_commands.command(description="Which model is running, how fast, and whether it's healthy")
    async def status(self, interaction: discord.Interaction) -> None:
        """Shows what is known of the model and its queue, and what people said of its answers."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        embed = self._status()
        embed.add_field(name="Feedback", value=await self._feedback())
        if words := await self._release_words():
            embed.add_field(name="Last release", value=words[:1024])
        if self.services.settings.web_port:
            embed.add_field(name="Web page", value=self.services.page.in_words()[:1024])
        embed.add_field(name="Database", value=database_words(self.services.storage.write_buffer))
        embed.add_field(name="Background jobs", value=jobs_in_words(jobs_of(interaction)))
        await interaction.edit_original_response(embed=embed)

    @app_commands.command(description="Load a model, check it, and switch to it")
    @app_commands.describe(source="bundled, a folder, or a hub id like org/name@revision (empty: reload this one)")
    async def reload(self, interaction: discord.Interaction, source: app_commands.Range[str, 1, 300] = "") -> None:
        """Shows its progress; a reload that fails changes nothing."""
        steps: list[str] = []
        classifier, releases = self.services.classifier, self.services.storage.releases
        if releases is None:
            await self._do(interaction, partial(classifier.reload, source, steps.append), reloaded, lambda: steps[-1:])
            return
        in_all = partial(release, releases, source, classifier.info, steps.append)
        await self._do(interaction, in_all, str, lambda: steps[-1:])

    @app_commands.command(description="Go back to the previous model")
    async def rollback(self, interaction: discord.Interaction) -> None:
        """The model before is still loaded, but in a process that has begun since."""
        releases = self.services.storage.releases
        if releases is None:
            await self._do(interaction, self.services.classifier.rollback, reloaded)
            return
        steps: list[str] = []
        await self._do(interaction, partial(go_back, releases, steps.append), str, lambda: steps[-1:])

    @app_commands.command(description="Check the model against its golden examples")
    async def golden(self, interaction: discord.Interaction) -> None:
        """Shows those that come out otherwise than when the model was made."""
        await self._do(interaction, self.services.classifier.golden, _golden)

    @shadow.command(name="start", description="Run another model in the background on watched messages")
    @app_commands.describe(
        source="bundled, a folder, or org/name@revision", share=("Percent of watched messages it gets")
    )
    async def shadow_start(
        self,
        interaction: discord.Interaction,
        source: app_commands.Range[str, 1, 300],
        share: app_commands.Range[int, 1, 100] = 100,
    ) -> None:
        """It answers nobody until it is promoted."""
        await self._do(interaction, partial(self.services.classifier.start_shadow, source, share / 100), _shadowing)

    @reload.autocomplete("source")
    @shadow_start.autocomplete("source")
    async def _suggest_source(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """What answers now, and every model that the operator has named; nobody else learns their names."""
        if not await self.services.connection.is_owner(interaction.user):
            return []
        settings, wanted = self.services.settings, typed.strip().casefold()
        answering = self.services.classifier.info.source
        known = dict.fromkeys(("bundled", answering, settings.model, *settings.web_models.split()))
        found = [one for one in known if wanted in one.casefold() and len(one) <= _LONGEST_CHOICE]
        return [app_commands.Choice(name=one, value=one) for one in found]

    @shadow.command(name="report", description="How the background model has done so far")
    async def shadow_report(self, interaction: discord.Interaction) -> None:
        """Counts only; no text is kept."""
        await self._do(interaction, self._shadow_report, shadow_words)

    @shadow.command(name="promote", description="Switch to the background model")
    async def shadow_promote(self, interaction: discord.Interaction) -> None:
        """The live one stays for a rollback."""
        await self._do(interaction, self._promote, reloaded)

    @shadow.command(name="stop", description="Stop the background model")
    async def shadow_stop(self, interaction: discord.Interaction) -> None:
        """Shows its last report."""
        await self._do(interaction, self.services.classifier.stop_shadow, shadow_words)

    async def _do(
        self,
        interaction: discord.Interaction,
        work: Callable[[], Awaitable[_T]],
        words: Callable[[_T], str],
        step: Callable[[], list[str]] = list,
    ) -> None:
        """Does `work` and says how it went; `step` names what it is doing meanwhile."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        task = asyncio.ensure_future(work())
        shown = ""
        while not task.done():
            await asyncio.wait((task,), timeout=_STEP_SECONDS)
            doing = "".join(step())
            if not task.done() and doing and doing != shown:
                shown = doing
                with suppress(*REQUEST_FAILURES):  # the work goes on, and its end is said below
                    await interaction.edit_original_response(content=f"Still {doing}…")
        try:
            said = words(await task)
        except ModelError as error:
            said = f"{error} {_UNCHANGED}"
            _log.warning("that was refused: %s", error)
        await interaction.edit_original_response(content=said[:2000])

    async def _promote(self) -> Reloaded:
        if self.services.storage.releases is not None:
            raise ReloadRefused(NOT_ALONE)
        return await self.services.classifier.promote_shadow()

    async def _release_words(self) -> str:
        releases = self.services.storage.releases
        if releases is None:
            return ""
        try:
            return status_words(await releases.progress(), time.time())
        except DatabaseUnavailable:
            return "can't be read, my database isn't responding"

    async def _shadow_report(self) -> ShadowReport:
        return self.services.classifier.shadow_report()

    async def _feedback(self) -> str:
        try:
            return feedback_words(await self.services.storage.feedback.counts(), self.services.classifier.info.versions)
        except DatabaseUnavailable:
            return "can't be read, my database isn't responding"

    def _status(self) -> discord.Embed:
        classifier = self.services.classifier
        info, stats, health = classifier.info, classifier.stats(), classifier.health()
        good = health.healthy
        embed = discord.Embed(
            title=f"Model {info.version}",
            description="Healthy." if good else f"Not healthy: {health.reason}.",
            colour=palette.GOOD if good else palette.BAD,
        )
        served = max(1, stats.served)
        useful = stats.useful_tokens / max(1, stats.computed_tokens)
        fields = {
            "Source": f"{info.source}\n{info.fallback}".strip(),
            "Runs on": f"{info.backend}, {info.device}, batches of {info.budget} tokens",
            "Backends tried": _tried(info),
            "Reads": named_all(languages_of(info)),
            "Running since": f"<t:{int(time.time() - (time.perf_counter() - info.since))}:R>",
            "Last forward pass": f"{health.since_pass:.1f} s ago; restarted: {_times(health.replaced)}",
            "Waiting": f"{stats.queued:,} texts, about {stats.queued_tokens:,} tokens",
            "Response time": f"half within {_ms(stats.p50)}, 99 % within {_ms(stats.p99)}"
            if stats.served
            else "nothing asked yet",
            "Answered": f"{stats.served:,} texts, {stats.per_second:.1f}/s over the last minute",
            "From the cache": f"{stats.cached / served:.0%} of them",
            "Not answered": f"{stats.shed:,} queue full, {stats.expired:,} too late, {stats.failed:,} failed",
            "Computed": f"{stats.batches:,} batches, {useful:.0%} of their tokens useful"
            if stats.batches
            else "nothing yet",
            "Memory": _memory(),
        }
        if "remote" in health.backends:
            fields["Inference"] = _inference(remote=health.backends["remote"], stood_in=stats.stood_in)
        for name, value in fields.items():
            embed.add_field(name=name, value=value[:1024])
        return embed


def database_words(buffer: WriteBuffer) -> str:
    """Whether the database takes what is to be written, and what it did not get."""
    lines = [
        f"{buffer.backlog.trouble} {len(buffer):,} messages are waiting." if buffer.backlog.trouble else "Healthy."
    ]
    if buffer.counts.dropped:
        lines.append(f"Since the start, {buffer.counts.dropped:,} messages were dropped because too many were waiting.")
    return "\n".join(lines)[:1024]


def reloaded(change: Reloaded) -> str:
    """A change of model in words."""
    now = change.now
    line = f"Now running model {now.version} ({now.source}) instead of {change.before.version}."
    return f"{line} {_compared(change.comparison)}Done in {change.seconds:.2f} s; `/model rollback` goes back."


def shadow_words(report: ShadowReport) -> str:
    """What a candidate has shown, in words."""
    name = f"Candidate {report.version} ({report.source})"
    if not report.texts:
        return f"{name} hasn't seen a message yet. {report.skipped:,} were skipped."
    return (
        f"{name}: {report.texts:,} messages. Same sentiment as the live model on {report.agree / report.texts:.1%}, "
        f"score {report.change:+.3f} on average, {_ms(report.seconds)} instead of {_ms(report.live_seconds)}. "
        f"{report.skipped:,} were skipped."
    )


def feedback_words(said: Sequence[Feedback], versions: Collection[str]) -> str:
    """How often people called answers of these versions right and wrong, and the commonest ways of being wrong."""
    ours = [one for one in said if one.model in versions]
    right = sum(one.times for one in ours if one.label == one.answered)
    wrong = sorted((one for one in ours if one.label != one.answered), key=lambda one: -one.times)
    if not ours:
        return "no ratings yet for this version"
    lines = [f"{right:,} right, {sum(one.times for one in wrong):,} wrong"]
    lines += [
        f"{SENTIMENTS[one.answered]}, should be {SENTIMENTS[one.label]}: {one.times:,}" for one in wrong[:COMMONEST]
    ]
    return "\n".join(lines)


def jobs_in_words(states: Mapping[str, JobState]) -> str:
    """Which background jobs did not do what they were to, and how often; each was tried again."""
    troubles = [
        f"{name}: {state.failed:,} failed, {state.overran:,} took too long, of {state.runs:,}"
        for name, state in states.items()
        if state.failed or state.overran
    ]
    return "\n".join(troubles)[:1024] or "all healthy"


def _compared(found: Comparison | None) -> str:
    if found is None or not found.texts:
        return ""
    return (
        f"Out of {found.texts} plain texts it gets {found.candidate_right} right (the previous one "
        f"{found.running_right}); they agree on {found.agree}. "
    )


def _golden(found: tuple[int, list[Any]]) -> str:
    count, failures = found
    if not count:
        return "This model came without golden examples."
    if not failures:
        return f"All {count} golden examples give the same result as when the model was made."
    lines = [f"- {failure.text[:80]}: {failure.expected}, now {failure.found}" for failure in failures]
    return "\n".join([f"{len(failures)} of {count} golden examples give a different result:", *lines])


def _shadowing(info: ModelInfo) -> str:
    return (
        f"Candidate {info.version} ({info.source}) runs in the background and answers nobody. See `/model shadow "
        "report`."
    )


def _tried(info: ModelInfo) -> str:
    """What each backend gave when one was chosen."""
    return "\n".join(map(str, info.attempts)) or "none: there was only one"


def _inference(*, remote: bool, stood_in: int) -> str:
    """Where texts are scored while INFERENCE_URL is set."""
    now = "remote: the server answers" if remote else "fallback: no server answers, so the model here does"
    return f"{now}\n{stood_in:,} texts were scored here since the start"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _memory() -> str:
    """Resident memory of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return "unknown on this system"
    return f"{pages * 4096 / 1e6:.0f} MB"
