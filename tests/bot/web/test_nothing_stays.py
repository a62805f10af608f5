"""What is left of a visitor in the server's memory once the answer is out: nothing."""

import asyncio
import gc

from gradio.state_holder import SessionState

from bot.web.server import running_page
from tests.bot.web.by_http import press


def kept_values():
    """Everything that Gradio's sessions hold in this process."""
    sessions = [
        held for held in gc.get_objects() if issubclass(type(held), SessionState)
    ]  # `isinstance` asks lazy ones what they are
    assert sessions
    return repr([(session.config_values, session.state_data) for session in sessions])


async def test_nothing_typed_and_no_answer_stays_in_a_session(classifier, settings):
    async with running_page(classifier, settings, "127.0.0.1", 0) as address:
        one = await asyncio.to_thread(press, address.url, "vc-read", ["what a wonderful zyzzyva"])
        many = await asyncio.to_thread(press, address.url, "vc-read-all", ["", None, "zyzzyva love\nzyzzyva hate"])
        assert one["success"]
        assert "zyzzyva" in str(many["output"])
        assert "zyzzyva" not in kept_values()
