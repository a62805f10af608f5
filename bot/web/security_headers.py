"""What every answer tells the browser: to ask no other host, to keep nothing, to show the page nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

_GRADIO = (
    # Gradio's page writes its settings and our scripts into the HTML, and makes functions of the `js` of an action.
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
_LOGIN = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'self'"
_NOT_FRAMED = "; frame-ancestors 'none'"

_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_STATIC = ("/assets/", "/static/", "/favicon.ico")
"""Files of the framework, the same for everybody; all else may hold what somebody typed."""


def page_headers(path: str, *, framed: bool) -> Headers:
    """Those of an answer of the page. Whether other sites may show it in a frame is `framed`."""
    kept = path.startswith(_STATIC)
    return [
        (b"content-security-policy", (_GRADIO + ("" if framed else _NOT_FRAMED)).encode()),
        (b"referrer-policy", b"no-referrer"),
        *_ALWAYS,
        *([] if framed else [(b"x-frame-options", b"DENY"), (b"cross-origin-opener-policy", b"same-origin")]),
        *([] if kept else [(b"cache-control", b"no-store")]),
    ]


def login_headers() -> Headers:
    """Those of the page that asks for the token. With no referrer at all its form would be of no known origin."""
    return [
        (b"content-security-policy", (_LOGIN + _NOT_FRAMED).encode()),
        (b"referrer-policy", b"same-origin"),
        (b"x-frame-options", b"DENY"),
        (b"cache-control", b"no-store"),
        *_ALWAYS,
    ]


def with_headers(given: Iterable[tuple[bytes, bytes]], ours: Headers) -> Headers:
    """An answer's headers with ours, which win."""
    named = {name for name, _ in ours}
    return [*((name, value) for name, value in given if name.lower() not in named), *ours]
