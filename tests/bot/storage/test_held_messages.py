"""Which messages are held of a channel or thread, to be compared with those that are there."""

from bot.storage.held_messages import held_message_ids, held_range
from tests.bot.storage.scenes import AWAY, GENERAL, RANDOM, THREAD, message_id, say


async def test_the_messages_between_two_ids_of_one_channel_or_thread(database, buffer):
    for number in (1, 2, 3, 4):
        say(buffer, number)
    say(buffer, 5, channel=RANDOM), say(buffer, 6, thread_id=THREAD), say(buffer, 7, 1, None)
    say(buffer, 8, guild=AWAY, channel=AWAY + 1)
    await buffer.flush()
    between = await held_message_ids(database, GENERAL, message_id(2), message_id(3))
    assert between == {message_id(2), message_id(3)}
    every = await held_message_ids(database, GENERAL, 0, 2**62)
    assert every == {message_id(number) for number in (1, 2, 3, 4, 7)}
    assert await held_message_ids(database, GENERAL, 0, 2**62, thread_id=THREAD) == {message_id(6)}
    assert await held_range(database, GENERAL) == (message_id(1), message_id(7))
    assert await held_range(database, GENERAL, thread_id=THREAD) == (message_id(6), message_id(6))
    assert await held_range(database, GENERAL + 99) is None
