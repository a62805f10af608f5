"""What goes into the next batch: plans without a thread, a lock or a clock."""

from concurrent.futures import Future
from pathlib import Path

import pytest

from model.backends.engine import Engine
from model.checkpoints.checkpoint import Checkpoint
from model.scheduling.batch_planner import BatchPlanner, Lane
from model.scheduling.fair_queue import FairQueue
from model.scheduling.request import Priority, Request
from model.scheduling.request_windows import Job, Window
from model.verdict import SENTIMENTS

ASKED, PASSIVE, PAST = Priority
BUDGET = 1024
SHORT, FULL = 20, 512


def engine(version="v1"):
    folder = Path()
    return Engine(Checkpoint("words", folder, folder, SENTIMENTS, version), None, None, BUDGET)  # type: ignore[arg-type]


ENGINE = engine()


def request(priority=ASKED, origin=None, *, turn=0, sparse=True):
    made = Request("good", priority, Future(), origin)
    made.turn, made.sparse = turn, sparse
    return made


def windows(*lengths, of=ENGINE, **options):
    """The windows of one text."""
    job = Job(request(**options), of, None, [None] * len(lengths))
    return [Window(job, index, [1] * length) for index, length in enumerate(lengths)]


@pytest.fixture
def planner():
    return BatchPlanner()


@pytest.fixture
def add(planner):
    """Adds texts to the planner; returns their windows in one list."""

    def add(*texts):
        for text in texts:
            planner.add(text[0].job.request.priority, text)
        return [window for text in texts for window in text]

    return add


@pytest.fixture
def take(planner):
    """Takes a batch where nobody floods and everybody waits, unless told otherwise."""

    def take(lane=Lane.LIGHT, **options):
        return planner.take_batch(lane, **{"shared": False, "begun": 0, "is_wanted": lambda _: True} | options)

    return take


def lane(planner, ahead=0, aside=0, *, shared=False):
    return planner.lane(BUDGET, shared=shared, ahead=ahead, aside=aside)


def test_nothing_is_planned_of_nothing(planner, take):
    assert not planner
    assert lane(planner) is None
    assert take() == []


def test_short_texts_go_at_once_when_none_is_computed(planner, add):
    add(windows(SHORT))
    assert lane(planner) is Lane.LIGHT


def test_a_batch_goes_ahead_of_time_when_it_is_full_and_a_third_never(planner, add):
    add(windows(SHORT))
    assert lane(planner, ahead=1) is None
    add(*(windows(SHORT) for _ in range(BUDGET // SHORT)))
    assert lane(planner, ahead=1) is Lane.LIGHT
    assert lane(planner, ahead=2) is None


def test_while_somebody_floods_only_what_comes_from_others_goes_ahead(planner, add):
    add(*(windows(SHORT, sparse=False) for _ in range(BUDGET // SHORT + 1)))
    assert lane(planner, ahead=1, shared=True) is None
    add(windows(SHORT, sparse=True))
    assert lane(planner, ahead=1, shared=True) is Lane.LIGHT


def test_short_texts_go_before_long_ones_and_long_ones_beside_them(planner, add):
    add(windows(FULL, FULL), windows(SHORT))
    assert lane(planner) is Lane.LIGHT
    assert lane(planner, ahead=1) is Lane.HEAVY
    assert lane(planner, ahead=1, aside=1) is None


def test_a_second_batch_of_long_ones_goes_aside_only_when_nothing_else_is_there(planner, add):
    add(windows(FULL, FULL, FULL))
    assert lane(planner, aside=1) is Lane.HEAVY
    assert lane(planner, aside=1, shared=True) is None
    assert lane(planner, ahead=1, aside=1) is None
    assert lane(planner, aside=2) is None


def test_a_batch_is_of_one_lane_and_the_rest_stays(planner, add, take):
    long, short = add(windows(FULL))[0], add(windows(SHORT))[0]
    assert take(Lane.LIGHT) == [short]
    assert take(Lane.HEAVY) == [long]
    assert not planner


def test_people_go_before_passive_texts_and_these_before_the_past(planner, add, take):
    past = add(windows(SHORT, priority=PAST))
    passive = add(windows(SHORT, priority=PASSIVE))
    asked = add(windows(SHORT))
    assert take() == asked
    assert take() == passive
    assert take() == past


def test_a_batch_holds_texts_of_one_model_that_of_the_text_which_is_due(planner, add, take):
    other = engine("v2")
    first, second = add(windows(SHORT, turn=1)), add(windows(SHORT, turn=2))
    due = add(windows(SHORT, turn=0, of=other))
    assert take() == due
    assert take() == first + second


def test_what_nobody_wants_is_dropped(planner, add, take):
    gone, there = add(windows(SHORT)), add(windows(SHORT))
    unwanted = gone[0].job.request
    assert take(is_wanted=lambda one: one is not unwanted) == there
    assert not planner


def test_who_sends_little_does_not_carry_others_along_before_they_are_due(planner, add, take):
    little = add(windows(SHORT, turn=0))
    much = add(windows(SHORT, turn=500, sparse=False))
    assert take(begun=100) == little
    little = add(windows(SHORT, turn=0))
    assert take(begun=500) == little + much


def test_batches_are_smaller_while_somebody_floods(planner, add, take):
    add(*(windows(SHORT) for _ in range(200)))
    assert BUDGET - SHORT < sum(map(len, take())) <= BUDGET
    assert BUDGET // 2 - SHORT < sum(map(len, take(shared=True))) <= BUDGET // 2


def test_windows_of_a_long_text_leave_room_for_newer_texts(planner, add, take):
    first, second = add(windows(FULL, FULL, turn=0))
    newer = add(windows(FULL, turn=100))[0]
    assert take(Lane.HEAVY) == [first, newer]
    assert take(Lane.HEAVY) == [second]


@pytest.fixture
def queue():
    return FairQueue(1_000_000)


def put(queue, priority=ASKED, origin="quiet", tokens=200):
    made = Request("good", priority, Future(), origin, tokens=tokens)
    queue.put(made)
    return made


def test_passive_texts_are_read_only_when_no_person_waits(planner, add, queue):
    put(queue, PASSIVE)
    assert planner.may_read(queue, BUDGET) == (PASSIVE, BUDGET)
    add(windows(SHORT))
    assert planner.may_read(queue, BUDGET) is None
    put(queue, ASKED)
    assert planner.may_read(queue, BUDGET) == (ASKED, BUDGET)


def test_no_more_is_read_ahead_of_a_flood_than_there_are_lengths_to_choose_from(planner, add, queue):
    for _ in range(50):
        put(queue, origin="flood")
    assert planner.may_read(queue, BUDGET) == (ASKED, BUDGET)
    add(*(windows(FULL, sparse=False) for _ in range(7)))
    assert planner.may_read(queue, BUDGET) == (ASKED, 4096 - 7 * FULL)
    add(windows(FULL, sparse=False))
    # Only the first of an origin's texts count as few, and they are read in any case.
    queue.take(ASKED, 0)
    assert planner.may_read(queue, BUDGET) is None


def test_only_a_small_batch_with_nothing_behind_it_is_computed_at_hand(planner, add):
    small, large = windows(SHORT), windows(FULL)
    assert planner.is_at_hand(small)
    assert not planner.is_at_hand(large)
    add(windows(SHORT))
    assert not planner.is_at_hand(small)


def test_clearing_names_the_texts_in_the_order_in_which_they_are_due(planner, add):
    add(windows(FULL, FULL, turn=3), windows(SHORT, turn=1), windows(SHORT, turn=2, priority=PASSIVE))
    assert [text.turn for text in planner.clear()] == [1, 2, 3]
    assert not planner
