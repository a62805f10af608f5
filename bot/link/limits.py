"""How a request to Discord fails, and how long Discord asks to be left alone."""

from __future__ import annotations

import time

import discord

_DAY = 86_400.0


def asked_for(error: Exception) -> float:
    """The seconds that Discord's answer asks for, at most a day; 0 where it does not say or there is no answer."""
    if not isinstance(error, discord.HTTPException):
        return 0.0
    headers = getattr(error.response, "headers", {})
    try:
        return min(_DAY, max(0.0, float(headers.get("Retry-After", ""))))
    except ValueError:
        return 0.0


def until_session(limits: discord.SessionStartLimits, needed: int = 1) -> float:
    """The seconds until that many sessions may be begun; 0: now.

    A bot that begins more than it may has its token taken away by Discord.
    """
    return limits.reset_after / 1000 if limits.remaining < max(1, needed) else 0.0


def sessions_needed(own: int, shards: int) -> int:
    """How many sessions must be left before a process begins its own, of a bot with so many shards in all.

    A tenth of all is for those that are lost meanwhile.
    """
    return own + shards // 10


def no_session_yet(seconds: float, now: float, remaining: int = 0) -> str:
    """One sentence about it; `now` is in seconds since the Unix epoch."""
    until = time.strftime("%d %B, %H:%M:%S", time.gmtime(now + seconds))
    allowed = f"only {remaining} more times" if remaining > 1 else "only once more"
    may = f"lets this bot connect {allowed}" if remaining > 0 else "won't let this bot connect"
    return f"Discord {may} until {until} UTC: it has connected too often in the last 24 hours."
