import asyncio
import gc

import pytest

from bot.ui import replies

SECRET = "my secret diary"


class Forgotten:
    """An interaction that Discord does not know any more."""

    def __init__(self):
        self.response = self

    async def defer(self, **_):
        raise ConnectionError


async def test_an_error_that_comes_when_nobody_waits_any_more_is_not_logged_with_the_text(monkeypatch, caplog):
    async def reading():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RuntimeError(SECRET) from None

    monkeypatch.setattr(replies, "UNDECIDED_SECONDS", 0)
    with pytest.raises(ConnectionError):
        await replies.reply_to_all(Forgotten(), reading())  # type: ignore[arg-type]
    await asyncio.sleep(0)
    gc.collect()  # asyncio reports an error that nobody looked at when its task goes
    assert caplog.text == ""
