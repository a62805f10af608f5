"""What gets through to the page, before Gradio sees any of it."""

import asyncio

from bot.web.asgi_guard import LARGE_BODY_BYTES, MAX_LARGE_BODIES, Guard


class SlowApp:
    """Answers 200 when told to; notes who has got through."""

    def __init__(self):
        self.taken = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.taken += 1
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200})


async def post(guard, size):
    """The status for a body of so many bytes."""
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"content-length", str(size).encode())]
    scope = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join", "headers": headers}
    await guard(scope, None, send)
    return sent[0]["status"]


async def test_only_so_many_large_bodies_are_taken_at_a_time():
    app = SlowApp()
    guard = Guard(app)
    taken = [asyncio.ensure_future(post(guard, LARGE_BODY_BYTES + 1)) for _ in range(MAX_LARGE_BODIES)]
    while app.taken < MAX_LARGE_BODIES:
        await asyncio.sleep(0)
    small = asyncio.ensure_future(post(guard, LARGE_BODY_BYTES))
    async with asyncio.timeout(20):
        assert await post(guard, LARGE_BODY_BYTES + 1) == 503
    app.go_on.set()
    assert await asyncio.gather(*taken, small) == [200] * (MAX_LARGE_BODIES + 1)
    assert await post(guard, LARGE_BODY_BYTES + 1) == 200
