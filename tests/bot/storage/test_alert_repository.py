import asyncio
from functools import partial
from math import inf
from types import SimpleNamespace

import pytest
from sqlalchemy import delete

from bot.domain.records import Alert, DigestKind
from bot.storage.alert_repository import AlertRepository
from bot.storage.maintenance import OVER_DAYS, forget_what_is_over
from bot.storage.schema import AlertRow, DigestRow
from bot.storage.sign_of_life import signs_of_shards
from tests.bot.storage.scenes import AWAY, GENERAL, HOME, NOW, RANDOM, rows_of

TODAY = (HOME, DigestKind.DAILY, "2026-11-25")


@pytest.fixture
def posts(database, clock):
    return AlertRepository(database, clock)


async def test_a_digest_is_claimed_once_for_each_period_also_after_a_restart(database, posts):
    assert sorted(await asyncio.gather(*(posts.claim_digest(*TODAY) for _ in range(5)))) == [False] * 4 + [True]
    assert not await AlertRepository(database).claim_digest(*TODAY)
    for other in ((AWAY, *TODAY[1:]), (HOME, DigestKind.WEEKLY, TODAY[2]), (HOME, DigestKind.DAILY, "2026-11-26")):
        assert await posts.claim_digest(*other)


async def test_a_digest_that_was_not_sent_can_be_tried_again_and_one_that_was_cannot(posts):
    await posts.claim_digest(*TODAY)
    assert await posts.unfinished_digests() == (TODAY,)
    await posts.release_digest(*TODAY)
    assert await posts.claim_digest(*TODAY)
    await posts.digest_sent(*TODAY)
    await posts.release_digest(*TODAY)
    assert await posts.unfinished_digests() == ()
    assert not await posts.claim_digest(*TODAY)


async def test_a_channel_has_one_alert_until_it_has_recovered(posts):
    alert = await posts.start_alert(HOME, GENERAL, -500, 100)
    assert alert == Alert(alert.number, HOME, GENERAL, None, -500, 100, NOW, None, None)  # type: ignore[arg-type]
    assert await posts.start_alert(HOME, GENERAL, -600, 100) is None
    assert await posts.start_alert(HOME, RANDOM, -600, 100) is not None
    assert await posts.recover(HOME, alert.number)
    assert not await posts.recover(HOME, alert.number)
    assert await posts.start_alert(HOME, GENERAL, -600, 100) is not None


async def test_a_number_is_given_once_also_when_its_alert_is_forgotten(database, posts):
    """Buttons under old posts have it, and webhooks remember how far they were told."""
    given = []
    for _ in range(2):
        for channel in (GENERAL, RANDOM):
            given.append((await posts.start_alert(HOME, channel, -500, 100)).number)
        async with database.write() as connection:
            await connection.execute(delete(AlertRow))
    assert given == sorted(set(given))


async def test_an_alert_is_acknowledged_once_and_by_its_own_server(posts):
    alert = await posts.start_alert(HOME, GENERAL, -500, 100)
    await posts.posted(alert.number, 77)
    assert not await posts.acknowledge(AWAY, alert.number)
    assert await posts.acknowledge(HOME, alert.number)
    assert not await posts.acknowledge(HOME, alert.number)
    assert await posts.alerts(HOME) == (Alert(alert.number, HOME, GENERAL, 77, -500, 100, NOW, NOW, None),)  # type: ignore[arg-type]


async def test_alerts_are_told_the_latest_first(posts):
    first = await posts.start_alert(HOME, GENERAL, -500, 100)
    second = await posts.start_alert(HOME, RANDOM, -500, 100)
    await posts.start_alert(AWAY, 201, -500, 100)
    assert await posts.alerts(HOME) == (second, first)
    assert await posts.alerts(HOME, GENERAL) == (first,)
    assert await posts.alerts(HOME, limit=1) == (second,)


async def test_what_is_long_over_goes_and_what_lasts_stays(database, moods):
    storage = SimpleNamespace(database=database)
    days = (OVER_DAYS + 1, OVER_DAYS - 1)
    for ago in days:
        posts = AlertRepository(database, partial(float, NOW - ago * 86400))
        for channel in (GENERAL, RANDOM):
            await posts.start_alert(HOME, channel + 100 * ago, -500, 100)
        (alert, _) = await posts.alerts(HOME, limit=2)
        await posts.recover(HOME, alert.number)
        for period in ("sent", "claimed"):
            await posts.claim_digest(HOME, DigestKind.DAILY, f"{period} {ago}")
        await posts.digest_sent(HOME, DigestKind.DAILY, f"sent {ago}")
        async with database.write() as connection:
            await signs_of_shards(connection, NOW - ago * 86400, {(0, ago): inf})
    await forget_what_is_over(storage, NOW)  # type: ignore[arg-type]
    alerts = await rows_of(database, AlertRow)
    assert sorted((row["channel_id"], row["recovered"] is None) for row in alerts) == sorted(
        [(GENERAL + 100 * ago, True) for ago in days] + [(RANDOM + 100 * days[1], False)]
    )
    digests = {row["period"] for row in await rows_of(database, DigestRow)}
    assert digests == {f"claimed {days[0]}", f"claimed {days[1]}", f"sent {days[1]}"}
    assert (await moods.shards_alive()).keys() == {(0, days[1])}
