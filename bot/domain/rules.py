"""Which rule decides whether a message is read: server, category, channel, thread; the narrower one wins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.domain.records import Mode, Rule, TargetKind

Target = tuple[TargetKind, int]
"""What a rule is about: its kind and its id, which for a server is the server's own."""

Rules = Mapping[Target, Rule]
"""The rules of one server."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands. `channel_id` is the channel that counts it: for a thread, the one the thread is in."""

    guild_id: int
    channel_id: int
    category_id: int | None = None
    thread_id: int | None = None

    def targets(self) -> Iterator[Target]:
        """What a rule about this place may be about, the narrowest first."""
        if self.thread_id is not None:
            yield TargetKind.THREAD, self.thread_id
        yield TargetKind.CHANNEL, self.channel_id
        if self.category_id is not None:
            yield TargetKind.CATEGORY, self.category_id
        yield TargetKind.SERVER, self.guild_id


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a message is read, and the rule that says so; without any rule it is not."""

    watched: bool
    rule: Rule | None = None

    @property
    def tagging(self) -> bool:
        """Whether a strong message gets a reaction."""
        return self.watched and self.rule is not None and self.rule.tagging


def decide(rules: Rules, place: Place, roles: Iterable[int] = ()) -> Decision:
    """Whether somebody with these roles is read there: an exempt role goes before everything else."""
    for role in roles:
        exempt = rules.get((TargetKind.ROLE, role))
        if exempt is not None and exempt.mode is Mode.EXEMPT:
            return Decision(False, exempt)
    for target in place.targets():
        rule = rules.get(target)
        if rule is not None:
            return Decision(rule.mode is Mode.WATCH, rule)
    return Decision(False)
