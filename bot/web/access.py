"""Who may see a page that listens to more than this machine: whoever has shown its token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs

from bot.settings import Settings, SettingsError
from bot.web.request_body import Refused
from bot.web.templating import render

COOKIE = "vibecheck"
COOKIE_SECONDS = 7 * 24 * 3600

MAX_TRIES = 10
TRIES_SECONDS = 15 * 60.0
"""Wrong tokens of one address, and for how long they count."""

MAX_ADDRESSES = 4096
"""Addresses whose wrong tokens are remembered."""

MAX_FORM_BYTES = 4096

NEEDED = (
    "Other machines could open the page. Set WEB_TOKEN to a secret of at least 16 characters that visitors must "
    "enter, or WEB_OPEN=True if it's for everyone."
)


def check_reachable(settings: Settings, *, reachable: bool) -> None:
    """Raises SettingsError for a page that others can reach while nothing says who may."""
    if reachable and settings.web_token is None and not settings.web_open:
        raise SettingsError(NEEDED)


def access_for(settings: Settings) -> Access | None:
    """What stands before a page; None for nothing."""
    return Access(settings.web_token.get_secret_value()) if settings.web_token is not None else None


class Access:
    """One token for all visitors, shown once by a form, or with each request by a proxy that has let somebody in.

    The cookie says until when it is good, under a key that is made of the token: nothing is kept for anybody, a restart
    asks nobody again, and another token shuts everybody out.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        self._token = _digest(token.encode())
        self._key = hashlib.scrypt(token.encode(), salt=b"vibecheck page", n=2**14, r=8, p=1)
        self._clock = clock
        self._tries: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def admits(self, headers: dict[bytes, bytes], address: str) -> bool:
        """Whether a request shows the token or the cookie. Raises Refused after too many wrong tokens."""
        kind, _, shown = headers.get(b"authorization", b"").partition(b" ")
        if kind.lower() == b"bearer":
            return self._is_token(shown.strip(), address)
        return self._is_cookie(headers.get(b"cookie", b"").decode("latin-1"))

    def cookie_for(self, form: bytes, address: str, *, https: bool) -> bytes | None:
        """The Set-Cookie of whoever filled the form in rightly, else None. Raises Refused after too many tries."""
        try:
            shown = parse_qs(form.decode(), max_num_fields=4).get("token", [""])[0]
        except ValueError:
            shown = ""
        if not self._is_token(shown.strip().encode("utf-8", "replace"), address):
            return None
        until = str(int(self._clock()) + COOKIE_SECONDS)
        kept = f"{COOKIE}={until}.{self._signature(until)}; Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Strict"
        return (kept + ("; Secure" if https else "")).encode()

    def _is_token(self, shown: bytes, address: str) -> bool:
        network, now = _network(address), self._clock()
        tries, since = self._tries.get(network, (0, now))
        if now - since > TRIES_SECONDS:
            tries, since = 0, now
        if tries >= MAX_TRIES:
            raise too_many_tries()
        if hmac.compare_digest(_digest(shown), self._token):
            return True
        self._tries[network] = tries + 1, since
        self._tries.move_to_end(network)
        if len(self._tries) > MAX_ADDRESSES:
            self._tries.popitem(last=False)
        return False

    def _is_cookie(self, cookies: str) -> bool:
        """Whether one of them is ours: other programs on the same host may have any, and of the same name."""
        return any(self._is_good(value.strip()) for name, _, value in _named(cookies) if name.strip() == COOKIE)

    def _is_good(self, kept: str) -> bool:
        until, _, signature = kept.partition(".")
        good = hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(until).encode())
        return good and until.isdecimal() and int(until) > self._clock()

    def _signature(self, until: str) -> str:
        signed = hmac.digest(self._key, until.encode("utf-8", "replace"), "sha256")
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()


def too_many_tries() -> Refused:
    """For whoever guesses."""
    return Refused(429, "Too many wrong tokens. Try again in 15 minutes.")


def login_page(*, wrong: bool = False) -> bytes:
    """The page that asks for the token."""
    return render("login", wrong=wrong).encode()


def _named(cookies: str) -> Iterator[tuple[str, str, str]]:
    return (cookie.partition("=") for cookie in cookies.split(";"))


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _network(address: str) -> str:
    """Whoever has one address of IPv6 has 2**64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
