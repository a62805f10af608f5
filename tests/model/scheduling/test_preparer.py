"""The thread that prepares long texts: origins by turns, bounded, and nobody left waiting."""

import gc
import threading
import time
import weakref
from types import SimpleNamespace

import pytest

from model import ClassifierClosed, InferenceFailed, NothingToRead, Overloaded, Unreadable
from model.scheduling import preparer as preparing_module
from model.scheduling.preparer import MOST_CHARACTERS, Preparer
from model.scheduling.request import Priority
from model.text.preprocessing import Prepared

PATIENCE = 60.0
ASKED, PASSIVE = Priority.INTERACTIVE, Priority.PASSIVE


@pytest.fixture
def preparer():
    preparer = Preparer()
    yield preparer
    preparer.close()


@pytest.fixture
def held(monkeypatch, preparer):
    """What is begun goes no further until `go_on` is set; `order` notes what does, by its first word."""
    held, steps = SimpleNamespace(go_on=threading.Event(), order=[]), preparing_module.prepare_in_steps  # type: ignore[attr-defined]
    begun = threading.Event()

    def noted(text, languages):
        begun.set()
        assert held.go_on.wait(PATIENCE)
        held.order.append(text.split()[0])
        return (yield from steps(text, languages))

    def begin(text, priority, origin):
        """Submits a text, and returns when it has been taken: it takes no room among those that wait then."""
        future = preparer.submit(text, priority, origin)
        assert begun.wait(PATIENCE)
        return future

    monkeypatch.setattr(preparing_module, "prepare_in_steps", noted)
    held.begin = begin
    return held


def test_a_text_is_prepared_as_it_is_cleaned_everywhere(preparer):
    prepared = preparer.submit("so **good** :)", ASKED, 1).result(PATIENCE)
    assert prepared == Prepared("so good happy", tokens=prepared.tokens)
    assert 3 < prepared.tokens < 12


def test_origins_are_served_by_turns_whatever_one_of_them_sends(preparer, held):
    first = held.begin("first of all", ASKED, "a")
    many = [preparer.submit(f"a{number} is good", ASKED, "a") for number in range(20)]
    other = preparer.submit("b is good", ASKED, "b")
    third = preparer.submit("c is good", PASSIVE, "c")
    held.go_on.set()
    for future in (first, *many, other, third):
        future.result(PATIENCE)
    assert held.order[0] == "first"
    assert held.order.index("b") <= 3
    assert held.order.index("c") <= 4
    assert [word for word in held.order if word.startswith("a")] == [f"a{number}" for number in range(20)]


def test_what_is_taken_back_is_not_prepared(preparer, held):
    first, second = (preparer.submit(f"{word} is good", ASKED, 1) for word in ("first", "second"))
    third = preparer.submit("third is good", ASKED, 1)
    assert second.cancel()
    held.go_on.set()
    assert third.result(PATIENCE)
    assert first.result(PATIENCE)
    assert held.order == ["first", "third"]


def test_more_than_fits_is_refused_and_passive_texts_first(preparer, held):
    half = "good " * (MOST_CHARACTERS[PASSIVE] // 10)
    held.begin("first", ASKED, 1)
    kept = [preparer.submit(half, ASKED, 2) for _ in range(2)]
    with pytest.raises(Overloaded) as refusal:
        preparer.submit("one more", PASSIVE, 3)
    assert refusal.value.retry_after > 1
    one_more = preparer.submit("one more", ASKED, 3)
    for future in kept:
        future.cancel()
    held.go_on.set()
    assert one_more.result(PATIENCE).text == "one more"
    assert preparer.submit("it fits again", PASSIVE, 3).result(PATIENCE)


def test_who_floods_is_refused_for_others_and_never_a_person_for_what_is_watched(preparer, held):
    held.begin("first", ASKED, 1)
    part = "good " * (MOST_CHARACTERS[PASSIVE] // 50)
    watched = [preparer.submit(part, PASSIVE, "flood") for _ in range(9)]
    with pytest.raises(Overloaded):
        for _ in range(2):
            watched.append(preparer.submit(part, PASSIVE, "flood"))
    other = preparer.submit(part, PASSIVE, "other")
    assert isinstance(watched[-1].exception(0), Overloaded)
    asked = [preparer.submit(part, ASKED, "person") for _ in range(20)]
    assert all(isinstance(future.exception(0), Overloaded) for future in watched[-8:])
    with pytest.raises(Overloaded):
        preparer.submit(part, PASSIVE, "third")
    for future in (other, *watched, *asked[1:]):
        future.cancel()
    held.go_on.set()
    assert asked[0].result(PATIENCE)


def test_what_a_person_asks_is_not_behind_what_is_watched_in_the_same_server(preparer, held):
    held.begin("first", PASSIVE, "server")
    for number in range(20):
        last = preparer.submit(f"watched{number} is good", PASSIVE, "server")
    asked = preparer.submit("asked is it good", ASKED, "server")
    held.go_on.set()
    asked.result(PATIENCE)
    last.result(PATIENCE)
    assert held.order.index("asked") <= 3


def test_what_is_taken_back_takes_no_room_and_is_not_kept(preparer, held):
    class Text(str):
        """One that can be watched."""

    held.begin("first", ASKED, 1)
    text = Text("good " * (MOST_CHARACTERS[PASSIVE] // 5))
    watched = weakref.ref(text)
    future = preparer.submit(text, ASKED, 2)
    del text
    assert future.cancel()
    gc.collect()
    assert watched() is None
    preparer.submit("it fits", PASSIVE, 3)


def test_the_end_fails_what_waits_and_breaks_off_what_is_begun(preparer, held):
    begun = held.begin("good " * 40_000, ASKED, 1)
    waiting = preparer.submit("good " * 40_000, ASKED, 1)
    preparer.close()
    held.go_on.set()
    for future in (begun, waiting):
        assert isinstance(future.exception(PATIENCE), ClassifierClosed)
    with pytest.raises(ClassifierClosed):
        preparer.submit("good", ASKED, 1)


@pytest.mark.parametrize(("text", "kind"), [("<@1> https://x.y", NothingToRead), ("привет всем как дела", Unreadable)])
def test_why_a_text_is_not_read_is_its_answer_and_does_not_lead_to_it(preparer, text, kind):
    error = preparer.submit(text, ASKED, 1).exception(PATIENCE)
    assert isinstance(error, kind)
    assert error.__traceback__ is None


def test_an_error_of_ours_fails_its_text_and_names_its_kind_alone(preparer, monkeypatch):
    monkeypatch.setattr(preparing_module, "prepare_in_steps", lambda text, languages: 1 / 0)
    error = preparer.submit("my secret diary", ASKED, 1).exception(PATIENCE)
    assert isinstance(error, InferenceFailed)
    assert "ZeroDivisionError" in str(error)
    monkeypatch.undo()
    assert preparer.submit("good", ASKED, 1).result(PATIENCE)


def test_no_text_is_kept_while_nothing_is_to_do(preparer):
    class Text(str):
        """One that can be watched."""

    text = Text("so **good** that it is long" * 30)
    watched = weakref.ref(text)
    future = preparer.submit(text, ASKED, 1)
    future.result(PATIENCE)
    del text
    deadline = time.monotonic() + PATIENCE
    while watched() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
        gc.collect()
    assert watched() is None
