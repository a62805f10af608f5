"""Where notices stand, in a table that several processes share."""

import pytest

from bot.domain.notice import AGAIN_SECONDS, TELLS, Notice
from bot.domain.snowflake import first_id_at
from bot.storage.notice_repository import NoticeRepository
from tests.bot.storage.scenes import AWAY, GENERAL, HOME, RANDOM

THEN = 1_764_000_000


@pytest.fixture
def notices(database):
    return NoticeRepository(database)


async def test_what_was_posted_is_known_by_all(notices, database):
    posted = Notice(HOME, GENERAL, 5, THEN)
    assert await notices.post(posted) == posted
    assert await NoticeRepository(database).of(GENERAL) == posted
    assert await notices.of(RANDOM) is None
    assert await notices.all() == (posted,)


async def test_of_two_that_are_posted_the_first_counts(notices):
    first = await notices.post(Notice(HOME, GENERAL, 5, THEN))
    assert await notices.post(Notice(HOME, GENERAL, 6, THEN + 1)) == first
    assert await notices.all() == (first,)


async def test_one_of_which_only_the_time_was_known_gives_way(notices):
    await notices.post(Notice(HOME, GENERAL, None, THEN))
    posted = Notice(HOME, GENERAL, 6, THEN + 1)
    assert await notices.post(posted) == posted


async def test_one_that_is_renewed_keeps_since_when_people_were_told(notices):
    """But not since when they were told of the history."""
    first, second = first_id_at(THEN), first_id_at(THEN + 9 * AGAIN_SECONDS)
    await notices.post(Notice(HOME, GENERAL, first, THEN + 1, deletions=1))
    renewed = await notices.post(Notice(HOME, GENERAL, second, THEN + 9 * AGAIN_SECONDS, tells=TELLS))
    assert await notices.all() == (renewed,)
    assert (renewed.message_id, renewed.since, renewed.history_since) == (second, THEN, THEN + 9 * AGAIN_SECONDS)


def test_a_renewed_one_that_is_deleted_within_a_day_is_not_wanted():
    renewed = Notice(HOME, GENERAL, first_id_at(THEN + 9 * AGAIN_SECONDS), THEN, 1, TELLS)
    assert renewed.after_deletion(THEN + 9 * AGAIN_SECONDS + 60).stopped


async def test_a_deletion_is_noted_once_however_often_it_is_said(notices):
    await notices.post(Notice(HOME, GENERAL, 5, THEN))
    gone = Notice(HOME, GENERAL, None, None, 1)
    assert await notices.deleted(GENERAL, 5, THEN + 9) == gone
    assert await notices.deleted(GENERAL, 5, THEN + 9) == gone
    assert await notices.all() == (gone,)


async def test_a_deletion_of_another_message_is_none(notices):
    posted = await notices.post(Notice(HOME, GENERAL, 5, THEN))
    assert await notices.deleted(GENERAL, 4, THEN) == posted
    assert await notices.deleted(RANDOM, 5, THEN) is None


@pytest.mark.parametrize(("later", "deletions"), [(AGAIN_SECONDS - 1, 2), (AGAIN_SECONDS, 1)])
async def test_the_second_deletion_counts_if_it_comes_within_a_day_of_its_notice(notices, later, deletions):
    await notices.post(Notice(HOME, GENERAL, 5, THEN))
    await notices.deleted(GENERAL, 5, THEN)
    again = await notices.post(Notice(HOME, GENERAL, 6, THEN))
    assert again.deletions == 1
    after = await notices.deleted(GENERAL, 6, THEN + later)
    assert after is not None
    assert (after.deletions, after.stopped) == (deletions, deletions == 2)


def test_the_first_deletion_stops_nothing():
    after = Notice(HOME, GENERAL, 5, THEN).after_deletion(THEN + 1)
    assert not after.stands
    assert not after.stopped


async def test_a_message_that_is_found_is_noted_where_none_was_known(notices):
    await notices.post(Notice(HOME, GENERAL, None, THEN))
    await notices.found(GENERAL, 5)
    await notices.found(GENERAL, 6)
    assert await notices.all() == (Notice(HOME, GENERAL, 5, THEN),)


async def test_what_is_taken_back_is_of_one_server(notices):
    await notices.post(Notice(HOME, GENERAL, 5, THEN))
    kept = await notices.post(Notice(AWAY, 201, 6, THEN))
    await notices.remove(HOME, (GENERAL, 201))
    assert await notices.all() == (kept,)
