"""What the local Discord allows one bot is counted as Discord counts it."""

import pytest

from bot.demo.limits import DAY_SECONDS, Begun, Bucket, InvalidRequests, SessionLimits


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_each_identify_counts_and_one_too_many_costs_the_token(clock):
    limits = SessionLimits(left=2, clock=clock)
    assert [limits.begin(0), limits.begin(1), limits.begin(0)] == [Begun.ALLOWED, Begun.ALLOWED, Begun.NONE_LEFT]
    assert limits.told()["remaining"] == 0
    assert limits.violations == ["shard 0 without a session left"]


def test_all_sessions_are_there_again_after_the_time_that_was_told(clock):
    limits = SessionLimits(left=0, clock=clock)
    limits.reset_in(3.0)
    assert limits.told() == {"total": 1000, "remaining": 0, "reset_after": 3000, "max_concurrency": 1}
    clock.now += 3.0
    assert limits.begin(0) is Begun.ALLOWED
    assert (limits.told()["remaining"], limits.told()["reset_after"]) == (999, DAY_SECONDS * 1000)


@pytest.mark.parametrize(
    ("concurrency", "shards", "expected"),
    [
        (1, [0, 1], [Begun.ALLOWED, Begun.TOO_SOON]),
        (2, [0, 1, 2], [Begun.ALLOWED, Begun.ALLOWED, Begun.TOO_SOON]),
        (4, [0, 1, 2, 3, 7], [*[Begun.ALLOWED] * 4, Begun.TOO_SOON]),
    ],
)
def test_a_bucket_takes_one_in_its_time(clock, concurrency, shards, expected):
    limits = SessionLimits(max_concurrency=concurrency, bucket_seconds=5.0, clock=clock)
    assert [limits.begin(shard) for shard in shards] == expected
    assert len(limits.violations) == 1
    clock.now += 5.0
    assert limits.begin(shards[0]) is Begun.ALLOWED


def test_fifty_requests_a_second_and_then_fifty_more():
    bucket = Bucket()
    assert [bucket.take(10.0) for _ in range(51)] == [True] * 50 + [False]
    assert bucket.take(11.0)


def test_an_address_is_kept_out_after_too_many_refused_requests_in_ten_minutes(clock):
    invalid = InvalidRequests(most=3, window=600.0, ban_seconds=60.0, clock=clock)
    for status, scope in [(200, ""), (404, ""), (429, "shared"), (401, ""), (403, "")]:
        invalid.note(status, scope)
    assert (len(invalid), invalid.banned_for()) == (2, 0.0)
    clock.now += 601.0
    invalid.note(429, "user")
    assert (len(invalid), invalid.banned_for()) == (1, 0.0)
    invalid.note(403)
    invalid.note(403)
    assert (invalid.bans, invalid.banned_for()) == (1, 60.0)
    clock.now += 60.0
    assert invalid.banned_for() == 0.0
