from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.scheduling.fair_queue import PATIENCE, FairQueue
from model.scheduling.request import Priority, Request
from model.text.cost import estimated_tokens

PASSIVE, INTERACTIVE = Priority.PASSIVE, Priority.INTERACTIVE


def request(origin=None, priority=INTERACTIVE, tokens=4):
    """A text that is estimated at so many tokens."""
    made = Request("x " * (tokens - 3), priority, Future(), origin)
    assert made.cost == tokens == estimated_tokens(made.text)
    return made


def filled(*requests, limit=1000, sparse=0):
    """Everybody waits for their share, unless `sparse` lets those go first who send little."""
    queue = FairQueue(limit, sparse)
    for one in requests:
        queue.put(one)
    return queue


def take(queue, count, priority=INTERACTIVE):
    """The next `count` texts, one at a time, each computed at once."""
    taken = []
    for _ in range(count):
        for one in queue.take(priority, 1):
            queue.begin(one.cost)
            taken.append(one)
    return taken


def origins(taken):
    return [one.origin for one in taken]


def test_one_origin_is_served_in_the_order_of_arrival():
    requests = [request(tokens=4 + number % 3) for number in range(20)]
    assert take(filled(*requests), 99, INTERACTIVE) == requests


def test_the_past_gives_its_place_to_the_news_and_both_to_people():
    past, news = request("one", Priority.BACKGROUND), request("one", PASSIVE)
    queue = filled(past, limit=4)
    assert queue.make_room(request("two", Priority.BACKGROUND)) is None
    assert queue.make_room(news) == [past]
    queue.put(news)
    assert queue.make_room(request("one", Priority.BACKGROUND)) is None
    assert queue.make_room(request("one")) == [news]


def test_turns_are_given_in_the_order_of_taking():
    queue = filled(*(request("a") for _ in range(3)), request("b"))
    turns = [one.turn for one in take(queue, 2, INTERACTIVE) + take(queue, 2, INTERACTIVE)]
    assert turns == sorted(set(turns))


def test_who_sends_little_is_due_before_what_was_taken_of_who_sends_much():
    queue = filled(*(request("flood") for _ in range(20)), sparse=8)
    taken = queue.take(INTERACTIVE, 40)
    queue.begin(12)
    queue.put(quiet := request("quiet"))
    assert [one.sparse for one in taken] == [True] * 2 + [False] * 10
    assert queue.take(INTERACTIVE, 0) == [quiet]
    assert quiet.sparse
    assert max(one.turn for one in taken if one.sparse) < quiet.turn < min(one.turn for one in taken if not one.sparse)


def test_those_who_send_little_are_served_in_the_order_of_arrival():
    queue = filled(*(arrived := [request(number % 7) for number in range(14)]), sparse=8)
    assert queue.take(INTERACTIVE, 0) == arrived
    assert [one.turn for one in arrived] == [0] * 14


def test_while_something_waits_for_its_share_nothing_of_the_same_origin_overtakes_it():
    queue = filled(*(texts := [request("a") for _ in range(3)]), sparse=8)
    queue.release(texts[0])
    queue.put(later := request("a"))
    assert queue.take(INTERACTIVE, 99) == [texts[1], texts[2], later]
    assert [one.sparse for one in (*texts, later)] == [True, True, False, False]


def test_who_sends_much_does_so_until_little_of_it_is_left():
    queue = filled(*(texts := [request("a") for _ in range(5)]), sparse=16)
    taken = queue.take(INTERACTIVE, 99)
    queue.release(texts[0])
    queue.put(later := request("a"))
    (after,) = queue.take(INTERACTIVE, 99)
    assert after is later
    assert taken[-1].turn <= later.turn
    assert not later.sparse
    queue.put(waits := request("a"))
    for text in texts[1:]:
        queue.release(text)
    queue.put(little := request("a"))
    assert [one.sparse for one in (later, waits, little)] == [True] * 3
    assert later.turn <= waits.turn <= little.turn
    assert queue.take(INTERACTIVE, 0) == [waits, little]


def test_who_always_has_something_there_is_not_taken_for_a_flood_for_ever():
    queue = filled(*(burst := [request("steady") for _ in range(9)]), sparse=16)
    queue.take(INTERACTIVE, 99)
    for text in burst:
        queue.put(new := request("steady"))
        queue.release(text)
        if text is not burst[-1]:
            queue.release(new)
    queue.put(request("flood", tokens=40))
    queue.put(last := request("steady"))
    assert new in queue
    assert last.sparse


def test_what_waits_for_its_share_falls_due_as_the_work_goes_on():
    queue = filled(flood := request("flood", tokens=20), sparse=8)
    queue.take(INTERACTIVE, 99)
    turns = []
    for _ in range(PATIENCE // 4 + 1):
        queue.put(quiet := request("quiet"))
        queue.take(INTERACTIVE, 0)
        turns.append(quiet.turn)
        queue.begin(4)
        queue.release(quiet)
    assert turns[0] < flood.turn <= turns[-1] <= queue.begun


def test_it_is_shared_while_one_sends_much_and_another_little():
    queue = filled(*(request("flood") for _ in range(9)), sparse=8)
    queue.begin(PATIENCE)
    assert not queue.is_shared()
    queue.put(request("quiet"))
    assert queue.is_shared()
    queue.begin(PATIENCE)
    assert not queue.is_shared()
    queue.put(request("quiet"))
    assert queue.is_shared()
    taken = queue.take(INTERACTIVE, 99)
    assert queue.is_shared(), "what was taken of the flood is still to be computed"
    for one in taken:
        queue.release(one)
    assert not queue.is_shared()


def test_one_text_beside_a_flood_is_among_the_next_two():
    queue = filled(*(request("flood") for _ in range(100)), request("quiet"))
    assert "quiet" in origins(take(queue, 2, INTERACTIVE))


def test_a_text_that_comes_in_the_middle_of_a_flood_is_among_the_next_two():
    queue = filled(*(request("flood") for _ in range(100)))
    take(queue, 50, INTERACTIVE)
    queue.put(request("quiet"))
    assert "quiet" in origins(take(queue, 2, INTERACTIVE))


def test_shares_are_of_tokens_and_not_of_texts():
    queue = filled(*(request("long", tokens=40) for _ in range(50)), *(request("short", tokens=4) for _ in range(500)))
    taken = take(queue, 110, INTERACTIVE)
    given_to = {name: sum(one.cost for one in taken if one.origin == name) for name in ("long", "short")}
    assert given_to["long"] == pytest.approx(given_to["short"], abs=40)


def test_who_was_away_has_not_saved_up_turns():
    queue = filled(request("rare"), *(request("often") for _ in range(50)))
    take(queue, 40, INTERACTIVE)
    for _ in range(10):
        queue.put(request("rare"))
    assert origins(take(queue, 6, INTERACTIVE)).count("rare") <= 4


def test_priorities_are_taken_apart():
    queue = filled(request("a", PASSIVE), request("a", INTERACTIVE))
    assert [one.priority for one in take(queue, 9, PASSIVE)] == [PASSIVE]
    assert [one.priority for one in take(queue, 9, INTERACTIVE)] == [INTERACTIVE]


def test_texts_are_taken_until_they_hold_so_many_tokens():
    queue = filled(*(request(tokens=10) for _ in range(9)))
    assert [len(queue.take(INTERACTIVE, tokens)) for tokens in (25, 10, 0, -5, 1, 999)] == [3, 1, 0, 0, 1, 4]


def test_a_released_text_is_never_taken_and_its_room_is_free():
    first, second = request("a"), request("a")
    queue = filled(first, second)
    queue.release(first)
    queue.release(first)
    assert (queue.tokens, len(queue), first in queue) == (4, 1, False)
    assert take(queue, 9, INTERACTIVE) == [second]


def test_an_origin_whose_line_emptied_and_filled_again_is_taken_once():
    queue = filled(gone := request("a"), request("b"))
    queue.release(gone)
    queue.put(back := request("a"))
    assert set(take(queue, 9, INTERACTIVE)) == {back, *queue.requests()}
    assert not queue.has_waiting()


def test_there_is_room_until_the_limit():
    queue = filled(request(), request(), limit=12)
    assert queue.make_room(request()) == []
    queue.put(request())
    assert queue.make_room(request()) is None


def test_for_a_person_the_newest_passive_texts_of_the_heaviest_origin_go_first():
    light, heavy = request("light", PASSIVE), [request("heavy", PASSIVE) for _ in range(3)]
    queue = filled(*heavy, light, limit=16)
    assert queue.make_room(request("someone")) == [heavy[2]]
    queue.put(request("someone"))
    assert queue.make_room(request("someone", tokens=8)) == [heavy[1], heavy[0]]
    assert light in queue


def test_of_two_that_hold_as_much_both_give():
    one, other = ([request(name, PASSIVE) for _ in range(3)] for name in ("one", "other"))
    queue = filled(*one, *other, limit=24)
    assert sorted(origins(queue.make_room(request("someone", tokens=16)))) == ["one", "one", "other", "other"]


def test_texts_that_were_taken_already_keep_their_places_longer():
    queue = filled(*(texts := [request("a", PASSIVE) for _ in range(3)]), limit=12)
    taken = take(queue, 1, PASSIVE)
    assert taken == texts[:1]
    queue.put(late := request("a", PASSIVE, tokens=4))
    taken += take(queue, 2, PASSIVE)
    assert queue.make_room(request("someone")) == [late, texts[2]]


def test_coming_and_going_leaves_nothing_behind():
    queue = FairQueue(limit=1000, sparse=0)
    for number in range(5000):
        queue.put(one := request(number % 3, PASSIVE))
        queue.release(one)
    assert len(queue._lines[PASSIVE]._order) < 200
    assert not queue._bulky[PASSIVE]


def test_a_passive_text_never_takes_the_place_of_a_persons():
    queue = filled(request("flood"), request("flood"), request("flood"), limit=12)
    assert queue.make_room(request("quiet", PASSIVE)) is None


@pytest.mark.parametrize("priority", Priority)
def test_a_flood_gives_way_to_others_until_they_hold_as_much(priority):
    flood = [request("flood", priority) for _ in range(6)]
    queue = filled(*flood, limit=24)
    admitted = 0
    while (victims := queue.make_room(quiet := request("quiet", priority))) is not None:
        assert origins(victims) == ["flood"]
        queue.put(quiet)
        admitted += 1
    assert admitted == 3
    assert [one in queue for one in flood] == [True] * 3 + [False] * 3


def test_a_refusal_changes_nothing():
    queue = filled(request("a", PASSIVE), request("b"), request("b"), limit=12)
    before = queue.requests()
    assert queue.make_room(request("b", tokens=9)) is None
    assert (queue.requests(), queue.tokens) == (before, 12)


def test_a_text_larger_than_the_queue_is_let_in_alone():
    queue = FairQueue(limit=10)
    large = request(tokens=50)
    assert queue.make_room(large) == []
    queue.put(large)
    assert queue.make_room(request()) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(Priority), st.integers(4, 30), st.integers(0, 2))))
def test_whatever_comes_and_goes_the_books_balance(steps):
    queue, taken = FairQueue(limit=60, sparse=9), set()
    for origin, priority, tokens, action in steps:
        if action == 0:
            taken.update(take(queue, 2, priority))
        elif action == 1 and queue.requests():
            queue.release(queue.requests()[tokens % len(queue)])
        elif (one := request(origin, priority, tokens)) and queue.make_room(one) is not None:
            queue.put(one)
        held = queue.requests()
        assert queue.tokens == sum(one.cost for one in held) <= max(60, max((one.cost for one in held), default=0))
        assert set(queue.waiting()) == set(held) - taken
    while left := [one for priority in Priority for one in take(queue, 1, priority)]:
        assert not taken.intersection(left)
        taken.update(left)
    assert not queue.has_waiting()
