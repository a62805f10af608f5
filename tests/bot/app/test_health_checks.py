"""What a check says when something is not as it should be."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.app.health_checks import (
    FLUSH_SECONDS,
    PASS_SECONDS,
    inference_check,
    is_ready,
    model_check,
    shards_check,
    works,
)
from bot.app.running import Running
from bot.app.vital_signs import STORE_SECONDS, VitalSigns
from bot.domain.shards import ALL
from model.scheduling.stats import Health

NOW = 1000.0


def model(health, fallback=""):
    return SimpleNamespace(health=lambda: health, info=SimpleNamespace(fallback=fallback, version="0123456789"))


def store(since_flush, waiting=0):
    class Buffer:
        def __len__(self):
            return waiting

        def since_flush(self):
            return since_flush

    return SimpleNamespace(write_buffer=Buffer(), leases=None)


@pytest.fixture
def running():
    client = SimpleNamespace(is_ready=lambda: True, shard_count=1, own_shards=ALL)
    parts: dict[str, Any] = {"storage": store(3.0), "classifier": model(Health(True, 2.0, "", 0)), "client": client}
    running = Running(**parts)
    running.traffic.up[0] = True
    return running


@pytest.fixture
def signs(running):
    signs = VitalSigns(running, lambda: NOW)
    signs.store_seen = NOW - 1
    return signs


def wrong(checks):
    return {check.name: check.said for check in checks if not check.ok}


def test_all_is_well(running, signs):
    assert wrong(is_ready(running, signs, NOW)) == {}


def test_what_is_not_there_yet_is_named():
    empty = Running()
    assert wrong(is_ready(empty, VitalSigns(empty), NOW)) == {
        "model": "it's loading",
        "store": "it's opening",
        "discord": "it isn't connected yet",
    }


def test_a_model_that_hangs_is_red_and_says_for_how_long(running, signs):
    running.classifier = model(Health(True, PASS_SECONDS + 1, "", 0))
    assert wrong(works(running, signs, NOW)) == {"model": "its last forward pass is 16 s old"}
    running.classifier = model(Health(False, 2.0, "it is being loaded anew", 1))
    assert wrong(works(running, signs, NOW)) == {"model": "it is being loaded anew"}


def test_a_model_that_stands_in_is_well_and_says_so(running):
    running.classifier = model(Health(True, 2.0, "", 0), "me/model could not be had; the bundled model answers.")
    check = model_check(running)
    assert check.ok
    assert "the bundled model answers" in check.said


def test_whether_texts_are_scored_elsewhere_is_told_and_nothing_is_wrong_with_either(running, signs):
    assert inference_check(running) == []
    for remote, said in ((True, "remote: "), (False, "fallback: ")):
        running.classifier = model(Health(True, 2.0, "", 0, backends={"remote": remote, "local": True}))
        (check,) = inference_check(running)
        assert check in is_ready(running, signs, NOW)
        assert check.ok
        assert check.said.startswith(said)


def test_a_store_that_does_not_answer_or_takes_nothing_is_red(running, signs):
    signs.store_seen = NOW - STORE_SECONDS - 1
    assert wrong(works(running, signs, NOW)) == {"store": "it hasn't answered for 13 s"}
    signs.store_seen = None
    assert wrong(works(running, signs, NOW)) == {"store": "it hasn't answered yet"}
    signs.store_seen = NOW
    running.storage = store(FLUSH_SECONDS + 5, waiting=7)
    assert wrong(works(running, signs, NOW)) == {"store": "nothing was written for 65 s, and 7 messages wait"}
    running.storage = store(None)
    assert wrong(works(running, signs, NOW)) == {}


def test_a_shard_without_a_session_is_named(running):
    running.traffic.up[3] = False
    assert shards_check(running).said == "shards 3 aren't connected"
    running.traffic.up[3] = True
    running.client.shard_count = 3
    assert shards_check(running).said == "2 of 3 shards are connected"
    assert not shards_check(running).ok
    running.traffic.ended()
    assert shards_check(running).said == "it isn't connected yet"


def test_one_of_several_that_waits_to_take_anothers_place_is_as_it_should_be(running, signs):
    running.storage.leases = SimpleNamespace(waits_for="shard 0 is held by CLUSTER=0/1 on here, last heard 1 s ago")
    running.client.is_ready = lambda: False
    assert shards_check(running).ok
    assert shards_check(running).said.startswith("it's on standby: shard 0 is held by")
    running.storage.leases.waits_for = ""
    assert not shards_check(running).ok
