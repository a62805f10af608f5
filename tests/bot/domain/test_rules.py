"""The narrower rule wins, and an exempt role goes before all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.records import Mode, Rule, TargetKind
from bot.domain.rules import Decision, Place, decide

SERVER, CATEGORY, CHANNEL, THREAD, ROLE = 1, 2, 3, 4, 5
IDS = {kind: number for number, kind in enumerate(TargetKind, start=1)}
IN_THREAD = Place(SERVER, CHANNEL, CATEGORY, THREAD)
WIDE_TO_NARROW = (TargetKind.SERVER, TargetKind.CATEGORY, TargetKind.CHANNEL, TargetKind.THREAD)

modes = st.sampled_from([Mode.WATCH, Mode.EXEMPT])


def rule(kind, mode, **more):
    return Rule(SERVER, kind, IDS[kind], mode, **more)


def table(*rules):
    return {(one.target_kind, one.target_id): one for one in rules}


def test_without_a_rule_nothing_is_read():
    assert decide({}, IN_THREAD) == Decision(False)


@pytest.mark.parametrize("kind", WIDE_TO_NARROW)
def test_a_rule_of_each_kind_has_a_message_in_a_thread_read(kind):
    watch = rule(kind, Mode.WATCH, tagging=True)
    assert decide(table(watch), IN_THREAD) == Decision(True, watch)
    assert decide(table(watch), IN_THREAD).tagging


def test_a_rule_of_another_channel_says_nothing():
    other = Rule(SERVER, TargetKind.CHANNEL, 99, Mode.WATCH)
    assert decide(table(other), IN_THREAD) == Decision(False)


def test_the_id_of_a_role_that_is_a_channels_too_is_no_channel():
    assert decide(table(Rule(SERVER, TargetKind.ROLE, CHANNEL, Mode.WATCH)), IN_THREAD) == Decision(False)


def test_an_exempt_channel_is_not_tagged_either():
    assert not decide(table(rule(TargetKind.CHANNEL, Mode.EXEMPT, tagging=True)), IN_THREAD).tagging


@given(st.dictionaries(st.sampled_from(WIDE_TO_NARROW), modes))
def test_the_narrowest_rule_there_is_decides(said):
    narrowest = max(said, key=WIDE_TO_NARROW.index, default=None)
    decision = decide(table(*(rule(kind, mode) for kind, mode in said.items())), IN_THREAD)
    assert decision.watched is (narrowest is not None and said[narrowest] is Mode.WATCH)
    assert (decision.rule and decision.rule.target_kind) == narrowest


@given(st.dictionaries(st.sampled_from(WIDE_TO_NARROW), modes), st.lists(st.integers(6, 9)))
def test_an_exempt_role_is_never_read_whatever_else_is_said(said, roles):
    exempt = rule(TargetKind.ROLE, Mode.EXEMPT)
    rules = table(exempt, *(rule(kind, mode) for kind, mode in said.items()))
    assert decide(rules, IN_THREAD, [*roles, ROLE]) == Decision(False, exempt)
    assert decide(rules, IN_THREAD, roles) == decide(rules, IN_THREAD)


@given(st.dictionaries(st.sampled_from(WIDE_TO_NARROW), modes, min_size=1), modes)
def test_a_wider_rule_changes_nothing_where_a_narrower_one_is(said, mode):
    rules = table(*(rule(kind, one) for kind, one in said.items()))
    widest = min(said, key=WIDE_TO_NARROW.index)
    for wider in WIDE_TO_NARROW[: WIDE_TO_NARROW.index(widest)]:
        assert decide(rules | table(rule(wider, mode)), IN_THREAD) == decide(rules, IN_THREAD)


def test_a_channel_without_category_and_thread_knows_its_own_rule_and_the_servers():
    place = Place(SERVER, CHANNEL)
    assert list(place.targets()) == [(TargetKind.CHANNEL, CHANNEL), (TargetKind.SERVER, SERVER)]
