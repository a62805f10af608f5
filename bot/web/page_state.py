"""How the page beside the bot is, for whoever looks after the bot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class PageState:
    """Kept by whoever runs the page: its address while it stands, how often it has ended, and why the last time."""

    address: str = ""
    ended: int = 0
    why: str = ""

    def in_words(self) -> str:
        """One sentence or two."""
        now = f"running at {self.address}" if self.address else "not running, starting it"
        times = {0: "", 1: "once"}.get(self.ended, f"{self.ended:,} times")
        return f"{now}. It has stopped {times}, last time: {self.why}." if times else f"{now}."
