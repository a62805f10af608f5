"""The Space: Vibecheck's page over the published model, or over the bundled one when that cannot be had."""

import asyncio
import os
from pathlib import Path

from bot.app.page import DEFAULT_PORT, serve
from bot.settings import load_settings
from model import CheckpointNotFound, HubUnreachable

FORGIVEN = HubUnreachable, CheckpointNotFound
"""The Space may be up before its model is. A model that is there and wrong is nothing to pass over."""

if __name__ == "__main__":
    # A variable of the Space wins over the file, which `python -m training publish space --model` writes.
    os.environ.setdefault("MODEL", Path(__file__).with_name("MODEL").read_text("utf-8").strip())
    # It is for everybody, and only the hub's proxy, which says whose request it is, can reach it.
    os.environ.setdefault("WEB_OPEN", "True")
    os.environ.setdefault("FORWARDED_ALLOW_IPS", "*")
    asyncio.run(
        serve(
            load_settings(),
            os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
            int(os.environ.get("GRADIO_SERVER_PORT", str(DEFAULT_PORT))),
            share=False,
            open_browser=False,
            forgiving=FORGIVEN,
        )
    )
