"""By which rule a release moves on: all processes, or none."""

import dataclasses

import pytest

from bot.domain.model_release import CANARY_MS, LIMIT_MS, Peer, Release, ReleaseState, Report, ReportState, judge

W, C, K, A, R = ReleaseState
NOW = 10**12
RELEASE = Release(1, "new", "sha", "v", "old", "sha of old", rollback=False, state=W, reason="", asked=NOW, changed=NOW)


def peers(*alive):
    return [Peer(f"p{place}", f"CLUSTER={place}/3 on here", lives) for place, lives in enumerate(alive)]


def reports(*states):
    return {
        f"p{place}": Report(f"p{place}", f"CLUSTER={place}/3 on here", state, "It can't." if state == "refused" else "")
        for place, state in enumerate(states)
        if state is not None
    }


def judged(state, alive, said, later=0, **changes):
    release = dataclasses.replace(RELEASE, state=state, **changes)
    found = judge(release, peers(*alive), reports(*said), NOW + later)
    return found and (found[0], found[1])


ASKED, READY, CANARY, REFUSED, APART = ReportState
ALL = (True, True, True)


@pytest.mark.parametrize(
    ("state", "said", "later", "becomes"),
    [
        (W, (None, None, None), 0, C),
        (C, (ASKED, ASKED, ASKED), 0, None),
        (C, (READY, READY, ASKED), 0, None),
        (C, (READY, READY, None), 0, None),
        (C, (READY, READY, READY), 0, K),
        (K, (CANARY, CANARY, CANARY), CANARY_MS - 1, None),
        (K, (CANARY, CANARY, READY), CANARY_MS, None),
        (K, (CANARY, CANARY, None), CANARY_MS, None),
        (K, (CANARY, CANARY, CANARY), CANARY_MS, A),
        (A, (CANARY, CANARY, REFUSED), CANARY_MS, None),
        (R, (CANARY, CANARY, CANARY), CANARY_MS, None),
    ],
)
def test_it_moves_on_when_all_that_live_are_there(state, said, later, becomes):
    assert judged(state, ALL, said, later) == (becomes and (becomes, ""))


@pytest.mark.parametrize("state", [W, C, K])
def test_one_refusal_is_all_s(state):
    assert judged(state, ALL, (CANARY, CANARY, REFUSED), CANARY_MS) == (R, "CLUSTER=2/3 on here: It can't.")


@pytest.mark.parametrize("state", [W, C, K])
def test_one_that_was_asked_and_dies_is_a_refusal(state):
    assert judged(state, (True, True, False), (READY, READY, ASKED)) == (R, "CLUSTER=2/3 on here has died or hangs.")


def test_one_that_was_dead_before_it_was_asked_and_one_that_ended_in_order_are_not_waited_for():
    assert judged(C, (True, True, False), (READY, READY, None)) == (K, "")
    assert judged(C, (True, True), (READY, READY, ASKED)) == (K, "")


def test_after_ten_minutes_it_is_refused_and_says_for_whom_it_waited():
    assert judged(C, ALL, (READY, ASKED, None), LIMIT_MS - 1) is None
    state, reason = judged(C, ALL, (READY, ASKED, None), LIMIT_MS)
    assert state is R
    assert reason == ("It wasn't released within 10 minutes: CLUSTER=1/3 on here and 1 more didn't have it ready.")
    assert judged(K, ALL, (CANARY, CANARY, READY), LIMIT_MS) == (R, "It wasn't released within 10 minutes.")


def test_going_back_needs_no_canary():
    assert judged(C, ALL, (READY, READY, READY), rollback=True) == (A, "")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("state", "first", "second"), [(C, ASKED, READY), (K, READY, CANARY)])
def test_of_two_that_have_one_name_both_are_waited_for(state, first, second, turned):
    """One serves, and the other stands by for it on the same machine."""
    who = "CLUSTER=0/1 on here"
    said = {"p0": Report("p0", who, first), "p1": Report("p1", who, second)}
    names = ["p1", "p0"] if turned else ["p0", "p1"]
    found = judge(
        dataclasses.replace(RELEASE, state=state), [Peer(name, who, True) for name in names], said, NOW + CANARY_MS
    )
    assert found is None


def test_whose_texts_are_scored_elsewhere_is_not_waited_for_and_may_die():
    assert judged(C, ALL, (READY, READY, APART)) == (K, "")
    assert judged(K, ALL, (CANARY, APART, CANARY), CANARY_MS) == (A, "")
    assert judged(C, (True, True, False), (READY, READY, APART)) == (K, "")
    assert judged(C, (True,), (APART,)) is None, "there is nobody to take it"


def test_without_anybody_that_lives_nothing_moves():
    assert judged(C, (False, False), (None, None)) is None
    assert judged(K, (), (), CANARY_MS) is None
