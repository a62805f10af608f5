"""The simulated day keeps its books, is the same again by its seed, and finds what it is to find."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bot.link.identify import IDENTIFY_SECONDS
from bot.storage.write_buffer import LIMIT
from tests.sim.__main__ import main
from tests.sim.constants import FILE, ROOT, load
from tests.sim.crowd import DAY, HOUR, crowd, day_curve
from tests.sim.day import live
from tests.sim.discrete import STEEPEST, _full_at, exponents, simulate
from tests.sim.plant import Plant, fitting
from tests.sim.schedule import FAULTS, FEW_LEFT, STORE_SECONDS, Fault, Kind
from tests.sim.sessions import Sessions, cold_start

SERVERS, HOURS = 200, 3
CONSTANTS = load()
EARLY = tuple(Fault(fault.kind, fault.at // 8) for fault in FAULTS)
"""The same in three hours."""


@pytest.fixture(scope="module")
def outcomes():
    """A day of 200 servers, and one of twice as many."""
    return [simulate(servers, CONSTANTS, seed=3, faults=EARLY, hours=HOURS) for servers in (SERVERS, 2 * SERVERS)]


def some_hours(faults=EARLY, **changed):
    constants = load(others=changed)
    people = crowd(SERVERS, constants, seed=3)
    return live(people, constants, fitting(people, constants), faults, seed=3, hours=HOURS)


def test_every_constant_says_where_it_is_from():
    for constant in CONSTANTS.all.values():
        assert constant.what
        assert constant.value > 0
        if constant.source.startswith("assumed: "):
            continue
        command = re.match(r"python -m (tests\.[\w.]+)|make bench \((docs/\S+)\)", constant.source)
        assert command, f"{constant.name} names no command"
        if module := command[1]:
            place = ROOT / module.replace(".", "/")
            assert place.with_suffix(".py").exists() or (place / "__main__.py").exists()
        else:
            assert (ROOT / command[2]).exists()


def test_a_report_of_the_bench_is_read_and_not_copied():
    report = json.loads((ROOT / "docs" / "bench" / "amd-epyc.json").read_text("utf-8"))
    (row,) = (row for row in report["rows"] if row["what"] == "texts per second on chat")
    assert CONSTANTS.texts_per_core == row["value"] / report["machine"]["cores"]


def test_a_constant_that_says_nothing_of_where_it_is_from_is_refused(tmp_path):
    file = tmp_path / FILE.name
    file.write_text('[made_up]\nwhat = "a number"\nvalue = 1\nunit = ""\n', "utf-8")
    with pytest.raises(KeyError):
        load(file)


@pytest.mark.parametrize("servers", [1000, 100_000])
def test_one_server_in_a_hundred_makes_about_half_of_the_messages(servers):
    rates = np.sort(crowd(servers, CONSTANTS, seed=1).rates)[::-1]
    assert rates.mean() == pytest.approx(CONSTANTS.messages_per_server)
    assert 0.45 < rates[: servers // 100].sum() / rates.sum() < 0.55


def test_a_day_has_nights_and_as_many_messages_as_an_even_one():
    curve = day_curve(np.arange(DAY), np.array(20))
    assert curve.mean() == pytest.approx(1.0)
    assert curve.argmax() == 20 * HOUR
    assert curve.min() < 0.3


def test_the_same_seed_gives_the_same_day_and_another_seed_another(outcomes):
    again, other = (simulate(SERVERS, CONSTANTS, seed=seed, faults=EARLY, hours=HOURS) for seed in (3, 4))
    assert (again.totals, again.faults, again.fullness) == (
        outcomes[0].totals,
        outcomes[0].faults,
        outcomes[0].fullness,
    )
    assert other.totals["messages"] != again.totals["messages"]


def test_every_message_is_written_missed_shed_dropped_or_still_waiting():
    day = some_hours()
    known = day.written + day.missed.sum() + day.shed.sum() + day.dropped.sum() + day.left
    assert day.offered.sum() == pytest.approx(known, rel=1e-9)
    assert day.dropped.sum() == 0


def test_nothing_grows_with_more_than_the_messages(outcomes):
    """Of few servers, a few hours have more or less of the day's messages."""
    grown = exponents(outcomes)
    steepest = grown["messages"] * STEEPEST
    assert all(value <= steepest for value in grown.values()), grown


@pytest.mark.parametrize(
    ("sizes", "servers"),
    [
        ([(100, 0.1), (1000, 0.5)], 2000),
        ([(100, 0.5), (1000, 5.0)], 200),
        ([(100, 0.1), (1000, 10.0)], 100 * 10**0.5),
        ([(100, 2.0), (1000, 20.0)], 50),
        ([(100, 0.0)], float("inf")),
    ],
)
def test_where_something_is_full_is_read_between_the_sizes(sizes, servers):
    assert _full_at(sizes) == pytest.approx(servers)


def test_a_stopped_database_costs_no_message_and_the_buffer_holds_what_came(outcomes):
    (found,) = (one for one in outcomes[0].faults if one["fault"] == Kind.STORE.value)
    assert found["dropped"] == found["shed"] == 0
    assert STORE_SECONDS <= found["oldest unwritten, s"] <= STORE_SECONDS + 10
    assert found["most in a write buffer"] > SERVERS * CONSTANTS.messages_per_server * STORE_SECONDS / 2


def test_a_writer_that_is_too_slow_fills_the_buffer_and_is_told():
    slow = load(others={"row_seconds": 0.1})
    outcome = simulate(SERVERS, slow, seed=3, faults=(), hours=HOURS)
    assert outcome.fullness["one writers' turn"] > 1
    assert any("dropped" in sentence for sentence in outcome.broken)
    day = some_hours(faults=(), row_seconds=0.1)
    assert day.buffered.max() == LIMIT


def test_shards_begin_one_by_one_in_each_bucket():
    owner = [shard % 4 for shard in range(40)]
    for concurrency in (1, 4):
        sessions = Sessions(owner, load(others={"sessions_lost": 0.000001}), concurrency)
        away = sessions.live([Fault(Kind.KILL, 100)], seed=0)
        assert {one.shard for one in away} == set(range(0, 40, 4))
        for bucket in range(concurrency):
            times = sorted(one.until for one in away if one.shard % concurrency == bucket)
            assert all(later - before >= IDENTIFY_SECONDS for before, later in pairwise(times))
    assert cold_start(100) == 500
    assert cold_start(100, 16) == 35


def test_with_fifty_sessions_left_a_hundred_shards_keep_what_they_have_and_wait():
    owner = [shard % 8 for shard in range(100)]
    sessions = Sessions(owner, CONSTANTS)
    away = sessions.live([Fault(Kind.NONE_LEFT, 20 * HOUR)], seed=0)
    own = [one for one in away if one.fault is not None]
    begun = [one for one in own if one.until < DAY]
    assert len(own) == 100
    assert 0 < len(begun) <= FEW_LEFT
    assert sessions.fewest_left >= 0
    assert all(one.until >= DAY for one in own if one not in begun)


def test_a_killed_bot_takes_only_its_own_shards_away():
    people = crowd(4000, CONSTANTS, seed=2)
    day = live(people, CONSTANTS, Plant(processes=2, replicas=2), [Fault(Kind.KILL, HOUR)], seed=2, hours=2)
    assert {one.shard for one in day.away if one.fault is not None} == {0, 2}
    during = slice(HOUR, HOUR + int(CONSTANTS.restart_seconds))
    assert 0.2 < day.missed[during].sum() / day.offered[during].sum() < 0.8


def test_the_command_prints_its_tables_and_keeps_its_report(tmp_path, capsys):
    out: Path = tmp_path / "report.json"
    assert main(["discrete", "--servers", str(SERVERS), "--hours", "1", "--out", str(out)]) == 0
    assert f"what each fault did at {SERVERS} servers" in capsys.readouterr().out
    report = json.loads(out.read_text("utf-8"))
    assert report["outcomes"][0]["servers"] == SERVERS
    assert {constant["name"] for constant in report["constants"]} == set(CONSTANTS.all)
