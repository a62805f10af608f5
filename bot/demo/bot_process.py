"""`python -m bot.demo.bot_process URL FOLDER`: the same as `vibecheck run`, but at a Discord on this machine.

Nothing of the bot is changed; only the two addresses that discord.py connects to. Its files go to FOLDER. Settings come
from the environment alone: the operator's .env, with the real token, is not read. A third argument, such as
GUILD/general=CHANNEL:NOTICE,gaming=CHANNEL:NOTICE, has a made-up past written there before the bot starts.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import discord.gateway
import discord.http
import yarl
from pydantic import ValidationError

import bot.alerts
import bot.digests
from bot.app.runtime import end_process, run_bot
from bot.settings import Settings, SettingsError

_EX_USAGE, _EX_CONFIG = 64, 78

ALERTS_SECONDS, DIGESTS_SECONDS = 1.5, 5.0
"""A visitor who starts a storm waits for its alert; a server has a minute."""


def main(arguments: list[str]) -> int:
    """Runs the bot until SIGTERM or until the process that started it is gone; returns the exit code."""
    if len(arguments) not in {2, 3} or urlsplit(arguments[0]).hostname != "127.0.0.1":
        print("Usage: python -m bot.demo.bot_process http://127.0.0.1:PORT FOLDER [PAST]", file=sys.stderr)  # noqa: T201
        return _EX_USAGE
    url, folder, *past = arguments
    try:
        settings = Settings(_env_file=None, data_dir=Path(folder))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return _EX_CONFIG
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]).upper()
        print(f"The setting {name} can't be used: {first['msg']}.", file=sys.stderr)  # noqa: T201
        return _EX_CONFIG
    if past:
        _write_past(settings.data_dir, past[0])
    bot.alerts.LOOK_SECONDS = ALERTS_SECONDS
    bot.digests.LOOK_SECONDS = DIGESTS_SECONDS
    use_local_discord(url)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    return run_bot(settings)


def use_local_discord(url: str) -> None:
    """Points discord.py at `url` instead of discord.com."""
    discord.http.Route.BASE = f"{url}/api/v10"
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url.replace("http", "ws", 1)) / "gateway"


def _write_past(folder: Path, past: str) -> None:
    from bot.demo.history import write_history

    guild, _, named = past.partition("/")
    channels = dict(channel.split("=") for channel in named.split(","))
    ids = {name: int(channel.partition(":")[0]) for name, channel in channels.items()}
    notices = {name: int(channel.partition(":")[2]) for name, channel in channels.items()}
    asyncio.run(write_history(folder, int(guild), ids, time.time(), notices))


def _stop_with_parent() -> None:
    """The parent holds the other end of stdin open; when it dies, however it dies, the pipe ends."""
    while os.read(sys.stdin.fileno(), 1024):  # not through sys.stdin's buffer, whose lock would outlive the interpreter
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    end_process(main(sys.argv[1:]))
