"""Which rule decides about alerts of a channel."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bot.domain.records import Mode, Rule, Sensitivity, TargetKind
from bot.domain.rules import Place, decide


def rule_for(rules: Iterable[Rule], guild_id: int, channel_id: int, category_id: int | None) -> Rule | None:
    """The narrowest rule about a channel: its own, its category's, its server's; None: it is not watched."""
    place = Place(guild_id, channel_id, category_id)
    decision = decide({(rule.target_kind, rule.target_id): rule for rule in rules}, place)
    return decision.rule if decision.watched else None


def sensitivity_of(
    rules: Iterable[Rule], guild_id: int, channel_id: int, category_id: int | None
) -> Sensitivity | None:
    """That of the rule for a channel; None: it is not watched."""
    rule = rule_for(rules, guild_id, channel_id, category_id)
    return None if rule is None else rule.sensitivity


def highest_of_threads(rules: Iterable[Rule], threads: Collection[int]) -> Sensitivity | None:
    """The highest of those watched by rules of their own; None: none of them is.

    What is written in a thread counts in its channel's hours: of a channel that is not watched they are all there is.
    """
    theirs = {
        rule.sensitivity
        for rule in rules
        if rule.target_kind is TargetKind.THREAD and rule.target_id in threads and rule.mode is Mode.WATCH
    }
    return max(theirs, key=tuple(Sensitivity).index, default=None)
