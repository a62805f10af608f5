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


def until_session(limits: discord.SessionStartLimits) -> float:
    """The seconds until a session may be begun; 0: now. A bot that begins more has its token taken away by Discord."""
    return limits.reset_after / 1000 if limits.remaining <= 0 else 0.0


def no_session_yet(seconds: float, now: float) -> str:
    """One sentence about it; `now` is in seconds since the Unix epoch."""
    until = time.strftime("%d %B, %H:%M:%S", time.gmtime(now + seconds))
    return f"Discord lets this bot begin no session until {until} UTC: too many have begun in the last 24 hours."
