"""A release as it stands in the database: it moves in whole steps, whoever moves it and whenever they die."""

import asyncio

import pytest

from bot.domain.model_release import LIMIT_MS, ReleaseState, ReportState
from bot.domain.shards import Cluster
from bot.storage import model_releases as module
from bot.storage.database import Database
from bot.storage.leases import Leases
from bot.storage.model_releases import LONGEST_SOURCE, ModelReleases
from bot.storage.schema import ChangeRow, ReleaseRow, ReportRow
from model import ReloadRefused
from tests.bot.storage.scenes import rows_of

READY, CANARY, REFUSED = ReportState.READY, ReportState.CANARY, ReportState.REFUSED
OLD, NEW = "a" * 64, "b" * 64
PATIENCE = 60.0


class Process:
    def __init__(self, database, cluster):
        self.database = database
        self.leases, self.releases = Leases(database, cluster), ModelReleases(database, cluster)

    async def advance(self, **options):
        moved = await self.releases.advance(**{"canary_ms": 0} | options)
        return moved and moved.state

    async def die(self):
        """Without a word; its connections are gone."""
        self.leases._task.cancel()
        await self.leases.session.close()


@pytest.fixture
async def process(new_postgres_url, tmp_path):
    opened = []

    holding = []

    async def process(number, of=2, *, stands_by=False):
        one = Process(await Database.open(tmp_path, new_postgres_url), Cluster(number, of))
        opened.append(one)

        async def count():
            return of

        if stands_by:
            waits = asyncio.Event()
            holding.append(asyncio.ensure_future(one.leases.hold(count, lambda words: waits.set())))
            async with asyncio.timeout(PATIENCE):
                await waits.wait()
        else:
            await one.leases.hold(count, lambda words: None)
        return one

    yield process
    for task in holding:
        task.cancel()
        await asyncio.wait((task,))
    for one in opened:
        await one.leases.release()
        await one.database.close()


@pytest.fixture
async def both(process):
    return [await process(number) for number in range(2)]


async def do(database, statement):
    async with database.write() as connection:
        await connection.exec_driver_sql(statement)


async def ask(one, source="new"):
    return await one.releases.ask(source, "old", OLD)


async def report(number, processes, state, **said):
    for one in processes:
        assert await one.releases.report(number, state, **said) is state


async def released(both, source="new", sha256=NEW):
    """The number of a release that has come through."""
    number = await ask(both[0], source)
    assert await both[0].advance() is ReleaseState.CHECKING
    await report(number, both, READY, sha256=sha256, version="v")
    assert await both[1].advance() is ReleaseState.CANARY
    await report(number, both, CANARY)
    assert await both[0].advance() is ReleaseState.ACTIVE
    return number


async def test_a_release_goes_from_state_to_state_and_the_last_active_one_is_remembered(both):
    first, second = both
    assert await first.releases.active() is None
    assert await first.releases.progress() is None
    number = await ask(first)
    assert await second.advance() is ReleaseState.CHECKING
    assert await second.advance() is None
    await report(number, [first], READY, sha256=NEW, version="v")
    progress = await second.releases.progress(number)
    assert (progress.ready, progress.of, progress.release.sha256) == (1, 2, NEW)
    assert await second.advance() is None
    await report(number, [second], READY, sha256=NEW, version="v")
    assert await first.advance() is ReleaseState.CANARY
    await report(number, both, CANARY)
    assert await first.advance(canary_ms=3_600_000) is None
    assert await first.releases.active() is None
    assert await first.advance() is ReleaseState.ACTIVE
    active = await second.releases.active()
    assert (active.number, active.source, active.version, active.before_source) == (number, "new", "v", "old")
    assert [one.number for one in await second.releases.since(number)] == [number]
    assert {row["kind"] for row in await rows_of(first.database, ChangeRow)} == {"model"}


async def test_one_is_released_at_a_time(both):
    await ask(both[0])
    with pytest.raises(ReloadRefused, match="new is already being released"):
        await ask(both[1], "another")
    with pytest.raises(ReloadRefused, match="already being released"):
        await both[1].releases.ask_back()
    found = await asyncio.gather(*(ask(one) for one in both), return_exceptions=True)
    assert [type(one) for one in found] == [ReloadRefused, ReloadRefused]
    with pytest.raises(ReloadRefused, match=f"{LONGEST_SOURCE} characters"):
        await ask(both[0], "x" * (LONGEST_SOURCE + 1))


async def test_of_two_that_ask_at_once_one_is_refused(both):
    found = await asyncio.gather(*(ask(one) for one in both), return_exceptions=True)
    assert sorted(type(one).__name__ for one in found) == ["ReloadRefused", "int"]


async def test_going_back_is_a_release_of_what_there_was_before(both):
    with pytest.raises(ReloadRefused, match="none has been released"):
        await both[0].releases.ask_back()
    first = await released(both)
    number = await both[1].releases.ask_back()
    (back,) = await both[0].releases.since(first + 1)
    assert (back.number, back.source, back.sha256, back.rollback) == (number, "old", OLD, True)
    assert (back.before_source, back.before_sha256) == ("new", NEW)
    assert await both[0].advance() is ReleaseState.CHECKING
    await report(number, both, READY, sha256=OLD, version="w")
    assert await both[0].advance() is ReleaseState.ACTIVE, "without a canary"
    await both[0].releases.ask_back()
    assert (await both[0].releases.since(number + 1))[0].source == "new"


async def test_after_a_refusal_what_was_active_still_is(both):
    first = await released(both)
    number = await ask(both[0], "bad")
    await both[0].advance()
    await report(number, both[:1], REFUSED, reason="It can't.")
    assert await both[1].advance() is ReleaseState.REFUSED
    progress = await both[1].releases.progress()
    assert progress.release.reason.startswith("CLUSTER=0/2 on ")
    assert progress.release.reason.endswith(": It can't.")
    assert (await both[1].releases.active()).number == first
    await both[1].releases.report(number, READY)
    assert await both[1].advance() is None, "it is over"


async def test_another_model_under_the_same_name_is_refused(both):
    number = await ask(both[0])
    await report(number, both[:1], READY, sha256=NEW, version="v")
    assert await both[1].releases.report(number, READY, sha256="c" * 64, version="w") is REFUSED
    assert await both[1].advance() is ReleaseState.REFUSED
    assert "new is another model there" in (await both[0].releases.progress()).release.reason


class Killed(BaseException):
    """The process is no more."""


@pytest.mark.parametrize("state", [state for state in ReleaseState if state is not ReleaseState.WANTED])
async def test_whoever_moves_it_may_be_killed_in_the_middle_of_a_step(both, monkeypatch, state):
    """The step is taken whole or not at all, and whoever comes next takes it."""
    first, second = both
    number = await ask(first)
    steps = {
        ReleaseState.CHECKING: lambda: report(number, [], READY),
        ReleaseState.CANARY: lambda: report(number, both, READY, sha256=NEW, version="v"),
        ReleaseState.ACTIVE: lambda: report(number, both, CANARY),
        ReleaseState.REFUSED: lambda: report(number, both, REFUSED, reason="It can't."),
    }
    for step in (ReleaseState.CHECKING, ReleaseState.CANARY, ReleaseState.ACTIVE):
        if step is state or (state is ReleaseState.REFUSED and step is ReleaseState.CANARY):
            break
        await steps[step]()
        assert await second.advance() is step
    await steps[state]()
    before = [await rows_of(first.database, table) for table in (ReleaseRow, ReportRow)]

    async def kill(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(module, "note_change", kill)  # the last thing that a step does
        with pytest.raises(Killed):
            await first.advance()
    assert [await rows_of(second.database, table) for table in (ReleaseRow, ReportRow)] == before
    assert await second.advance() is state


async def test_however_many_move_it_at_once_it_moves_one_step(both):
    number = await ask(both[0])
    moved = await asyncio.gather(*(one.advance() for one in both * 3))
    assert [state for state in moved if state] == [ReleaseState.CHECKING]
    await report(number, both, READY, sha256=NEW, version="v")
    moved = await asyncio.gather(*(one.advance() for one in both * 3))
    assert [state for state in moved if state] == [ReleaseState.CANARY]


async def test_a_process_that_is_silent_for_too_long_ends_it(both):
    await ask(both[0])
    await both[0].advance()
    await both[1].die()
    assert await both[0].advance() is None, "it may have lost its connection alone"
    await do(
        both[0].database,
        f"UPDATE processes SET heartbeat = heartbeat - 70000 WHERE process = '{both[1].database.process}'",
    )
    assert await both[0].advance() is ReleaseState.REFUSED
    assert (await both[0].releases.progress()).release.reason.endswith("has died or hangs.")


async def test_a_process_that_was_killed_and_started_again_ends_it_within_seconds(both, process):
    """It may be the new model that it has died of, and would again."""
    await ask(both[0])
    await both[0].advance()
    await both[1].die()
    await do(
        both[0].database, f"UPDATE processes SET started = started - 5 WHERE process = '{both[1].database.process}'"
    )
    again = await process(1)
    assert await both[0].advance() is None, "it may stand by"
    await do(
        both[0].database,
        f"UPDATE processes SET heartbeat = heartbeat - 11000 WHERE process = '{both[1].database.process}'",
    )
    assert await both[0].advance() is ReleaseState.REFUSED
    number = await ask(again)
    assert await again.advance() is ReleaseState.CHECKING, "of the one that died nothing is asked any more"
    await report(number, [both[0], again], READY, sha256=NEW, version="v")
    assert await both[0].advance() is ReleaseState.CANARY


async def test_one_that_stands_by_for_a_later_one_takes_part_and_ends_nothing(both, process):
    """Of two that stood by the later one has taken the place of a third, say."""
    standby = await process(1, stands_by=True)
    earlier = f"UPDATE processes SET started = started - 5 WHERE process = '{standby.database.process}'"
    await do(both[0].database, earlier)
    number = await ask(both[0])
    assert await both[0].advance() is ReleaseState.CHECKING
    await report(number, both, READY, sha256=NEW, version="v")
    assert await both[0].advance() is None, "it is waited for, though another has its name"
    assert (await both[0].releases.progress()).of == 3
    await report(number, [standby], READY, sha256=NEW, version="v")
    assert await both[0].advance() is ReleaseState.CANARY


async def test_while_there_is_nothing_to_note_nobody_who_writes_is_waited_for(both):
    await ask(both[0])
    assert await both[1].advance() is ReleaseState.CHECKING
    async with both[0].database.write(), asyncio.timeout(PATIENCE):
        assert await both[1].advance() is None


async def test_whose_texts_are_scored_elsewhere_is_not_counted(both):
    number = await ask(both[0])
    await both[0].advance()
    await report(number, both[:1], ReportState.APART)
    await report(number, both[1:], READY, sha256=NEW, version="v")
    progress = await both[0].releases.progress()
    assert (progress.ready, progress.of) == (1, 1)
    assert await both[0].advance() is ReleaseState.CANARY


async def test_without_a_source_it_is_what_was_released_last_whatever_answers_here(both):
    """One that has missed it would bring all back to what it has itself."""
    number = await both[0].releases.ask("", "old", OLD, wanted="should be")
    assert [one.source for one in await both[0].releases.since(number)] == ["should be"]
    await do(both[0].database, "UPDATE model_release SET state = 'refused'")
    number = await released(both)
    await both[1].releases.ask("", "old", OLD, wanted="old")
    assert [one.source for one in await both[0].releases.since(number + 1)] == ["new"]


async def test_one_that_ends_in_order_is_not_waited_for(both):
    number = await ask(both[0])
    await both[0].advance()
    await both[1].leases.release()
    await report(number, both[:1], READY, sha256=NEW, version="v")
    assert await both[0].advance() is ReleaseState.CANARY


async def test_one_that_starts_meanwhile_is_waited_for(process):
    first = await process(0)
    number = await ask(first)
    await first.advance()
    await report(number, [first], READY, sha256=NEW, version="v")
    second = await process(1)
    assert await first.advance() is None
    await report(number, [second], READY, sha256=NEW, version="v")
    assert await first.advance() is ReleaseState.CANARY


async def test_what_takes_too_long_is_refused(both):
    await ask(both[0])
    await both[0].advance()
    await do(both[0].database, f"UPDATE model_release SET asked = asked - {LIMIT_MS}")
    assert await both[1].advance() is ReleaseState.REFUSED
    reason = (await both[0].releases.progress()).release.reason
    assert "within 10 minutes: CLUSTER=" in reason
