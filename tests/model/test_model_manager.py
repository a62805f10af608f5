"""One change of model at a time: what comes meanwhile is told why it must wait."""

import ast
import asyncio
import threading
from pathlib import Path

import pytest

import model
from model import model_manager as manager_module
from model.acceptance import Example
from model.errors import ClassifierClosed, ReloadRefused
from tests.model.numbered import PATIENCE


@pytest.fixture
def held():
    """A step of a change that waits to be let go: `begun` is set when it has come there."""

    class Held:
        def __init__(self):
            self.begun, self.go_on = threading.Event(), threading.Event()

        def __call__(self, *_):
            self.begun.set()
            assert self.go_on.wait(PATIENCE)
            return []

        async def until_begun(self):
            assert await asyncio.to_thread(self.begun.wait, PATIENCE)

    held = Held()
    yield held
    held.go_on.set()


async def test_a_shadow_that_is_being_promoted_is_not_stopped(start, held, monkeypatch):
    async with await start() as classifier:
        await classifier.start_shadow("v3")
        monkeypatch.setattr(manager_module, "plain_examples", held)
        promoting = asyncio.create_task(classifier.promote_shadow())
        await held.until_begun()
        with pytest.raises(ReloadRefused, match="already being changed"):
            await classifier.stop_shadow()
        held.go_on.set()
        assert (await promoting).now.version == "v3"


@pytest.mark.parametrize("other", ["reload", "rollback", "promote_shadow", "stop_shadow"])
@pytest.mark.parametrize("first", ["reload", "start_shadow", "promote_shadow"])
async def test_what_comes_while_another_change_is_under_way_is_refused_and_leaves_it_alone(
    start, held, monkeypatch, first, other
):
    async with await start() as classifier:
        await classifier.reload("v1")
        if first == "promote_shadow":
            await classifier.start_shadow("v3")
            monkeypatch.setattr(manager_module, "plain_examples", held)
        else:
            monkeypatch.setattr(manager_module, "check_golden", held)
        given = () if first == "promote_shadow" else ("v3",)
        change = asyncio.create_task(getattr(classifier, first)(*given))
        await held.until_begun()
        with pytest.raises(ReloadRefused, match="already being changed"):
            await getattr(classifier, other)()
        assert classifier.info.version == "v1"
        held.go_on.set()
        await change


@pytest.mark.parametrize("first", ["reload", "start_shadow", "promote_shadow"])
async def test_a_change_that_is_overtaken_by_the_end_says_so_and_leaves_no_thread(start, held, monkeypatch, first):
    classifier = await start()
    if first == "promote_shadow":
        await classifier.start_shadow("v3")
        monkeypatch.setattr(manager_module, "plain_examples", held)
    else:
        monkeypatch.setattr(manager_module, "check_golden", held)
    change = asyncio.create_task(getattr(classifier, first)(*(() if first == "promote_shadow" else ("v3",))))
    await held.until_begun()
    await classifier.close()
    held.go_on.set()
    with pytest.raises(ClassifierClosed):
        await change
    shadow = classifier._models._shadow
    if shadow is not None:
        await asyncio.wait_for(asyncio.wrap_future(shadow.worker.ended), PATIENCE)
    assert classifier.info.version == "v0"
    assert shadow is None or first == "promote_shadow"


async def test_golden_examples_are_those_of_the_model_that_answers_them(start, monkeypatch):
    """One that came while they were asked would fail the examples of the one before."""
    async with await start() as classifier:
        read = []

        def examples(folder):
            read.append(classifier.info.version)
            if len(read) == 1:  # as another change of model may, between the file and the questions
                classifier._worker.swap(*other)
            return [Example("hello", "positive", (0.0, 0.0, 1.0))]

        engine = classifier._models._load("v1")
        other = engine, lambda: engine
        monkeypatch.setattr(manager_module, "golden_examples", examples)
        count, _ = await classifier.golden()
    assert (count, read) == (1, ["v0", "v1"])


async def test_a_timeout_of_the_change_itself_is_not_told_as_one_that_took_too_long(start, monkeypatch):
    async with await start() as classifier:

        def time_out(engine):
            raise TimeoutError("the disk")

        monkeypatch.setattr(manager_module, "check_golden", time_out)
        with pytest.raises(TimeoutError, match="the disk"):
            await classifier.reload("v1")


async def test_memory_is_given_back_after_a_candidate_is_dropped(start):
    given_back = []
    async with await start(after_change=lambda: given_back.append(threading.current_thread())) as classifier:
        await classifier.start_shadow("v1")
        assert given_back == []
        await classifier.stop_shadow()
        assert len(given_back) == 1
        await classifier.start_shadow("v2")
        await classifier.promote_shadow()
    assert len(given_back) == 2
    assert threading.main_thread() not in given_back


def yields_under_a_timeout(tree):
    """The lines at which a generator yields while a timeout is open: it would end whoever has it then, or nobody."""
    for scope in ast.walk(tree):
        if isinstance(scope, ast.AsyncWith) and any(
            "timeout" in ast.unparse(item.context_expr) for item in scope.items
        ):
            yield from (node.lineno for node in ast.walk(scope) if isinstance(node, ast.Yield | ast.YieldFrom))


def test_no_generator_holds_a_timeout_open_over_a_yield():
    found = {
        str(path): lines
        for path in Path(model.__file__).parent.rglob("*.py")
        if (lines := list(yields_under_a_timeout(ast.parse(path.read_text("utf-8")))))
    }
    assert found == {}
