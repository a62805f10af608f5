"""What links, holds, marks and webhooks are asked of the store, in SQLite and PostgreSQL."""

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from bot.storage.alert_holds import AlertHolds
from bot.storage.alert_repository import AlertRepository
from bot.storage.mark_repository import MarkRepository
from bot.storage.schema import HourRow
from bot.storage.strong_messages import StrongMessages
from bot.storage.webhook_repository import Webhook, WebhookRepository
from bot.storage.write_buffer import WriteBuffer
from tests.bot.storage.scenes import AWAY, GENERAL, HOME, HOUR, NOW, RANDOM, author, message_id, publish, say


@pytest.fixture
async def filled(database):
    """Six people in one hour, in one channel; four in another."""
    buffer = WriteBuffer(database, clock=lambda: NOW)
    scores = [-0.9, 0.8, -0.5, 0.1, -0.7, None]
    for number, score in enumerate(scores):
        say(buffer, number, number + 1, score)
        if number < 4:
            say(buffer, 100 + number, number + 1, -1.0, channel=RANDOM)
    await buffer.flush()
    await publish(database)
    return database


async def found(database, channels=(GENERAL, RANDOM), *, guild=HOME, opted_out=(), **more):
    strong = StrongMessages(database, opted_out)
    return [one.message_id for one in await strong.of(guild, channels, HOUR, HOUR + 1, may=lambda *_: True, **more)]


async def test_the_strongest_of_hours_that_are_told(filled):
    assert await found(filled) == [message_id(number) for number in (0, 1, 4, 2)]
    assert await found(filled, negative=True) == [message_id(number) for number in (0, 4, 2)]
    assert await found(filled, (RANDOM,)) == await found(filled, ()) == await found(filled, guild=AWAY) == []
    assert await found(filled, opted_out={author(1)}) == [message_id(number) for number in (1, 4, 2)]


async def test_nobody_is_linked_whose_hour_has_too_few_people_left(filled):
    async with filled.write() as connection:
        await connection.execute(update(HourRow).where(HourRow.channel_id == GENERAL).values(authors=1))
    assert await found(filled) == []


async def test_holds_marks_and_webhooks(database):
    alerts, holds = AlertRepository(database, lambda: NOW), AlertHolds(database, lambda: NOW)
    alert = await alerts.start_alert(HOME, GENERAL, -600, 100)
    webhooks = WebhookRepository(database)
    await webhooks.set(Webhook(HOME, 5, SecretStr("first")))
    await webhooks.set(Webhook(HOME, 6, SecretStr("second")))
    assert await webhooks.waiting(0) == ()  # of the alerts so far it gets none
    await alerts.recover(HOME, alert.number)
    later = await alerts.start_alert(HOME, RANDOM, -600, 100)
    assert await webhooks.waiting(0) == ()  # it is not posted yet
    await alerts.posted(later.number, 9)
    ((webhook, waiting),) = await webhooks.waiting(0)
    assert (webhook.webhook_id, webhook.token.get_secret_value(), waiting.number) == (6, "second", later.number)
    await webhooks.handed(HOME, later.number)
    assert await webhooks.waiting(0) == ()
    assert not await webhooks.remove(HOME, 5)
    assert await webhooks.remove(HOME)
    await holds.snooze(HOME, RANDOM, 3600)
    assert await holds.say_false(HOME, alert.number)
    assert set(await holds.of((HOME,))) == {GENERAL, RANDOM}
    assert await holds.of((AWAY,)) == {}
    assert await holds.wake(HOME, RANDOM)
    assert await holds.take_back(HOME, alert.number)
    assert await holds.of((HOME, AWAY)) == {}
    marks = MarkRepository(database)
    first, second = [await marks.add(HOME, int(NOW) + number, "patch") for number in range(2)]
    assert await marks.all(HOME) == (second, first)
    assert await marks.all(HOME, int(NOW) + 1) == (second,)
    assert await marks.remove(HOME, first.number)
