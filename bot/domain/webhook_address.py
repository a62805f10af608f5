"""The address of a webhook, as Discord shows it for copying: only its id and its token are taken from it.

Where is posted is never read from what somebody has typed: the address is made anew from these two, and its host is
Discord's. So no address can lead into the network of whoever runs the bot.
"""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"https://(?:(?:ptb|canary)\.)?discord(?:app)?\.com/api(?:/v\d{1,2})?/webhooks/"
    r"(?P<number>[0-9]{15,20})/(?P<token>[A-Za-z0-9_-]{20,100})/?",
    re.ASCII,
)


def read_webhook_address(typed: str) -> tuple[int, str] | None:
    """The id and the token of a webhook; None for whatever is no such address, with a query or a port included."""
    found = _ADDRESS.fullmatch(typed.strip())
    return (int(found["number"]), found["token"]) if found is not None and int(found["number"]) < 2**63 else None
