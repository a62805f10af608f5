"""What the page's own script asks, read strictly: nothing that is not of its shape reaches the framework."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.web.request_body import Refused, nothing_here

if TYPE_CHECKING:
    import gradio as gr

SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A visitor's name for themselves, made up by the page's script."""

_STREAM = re.compile(rb"session_hash=([A-Za-z0-9_-]{1,64})")
_EVENT = re.compile(r"[0-9a-f]{32}")
_LARGEST = 2**31

_KINDS: Mapping[str, tuple[type | None, ...]] = {
    "Textbox": (str, None),
    "Dataset": (int,),
    "Dropdown": (int, str, None),
}
"""What each part of the page that is read can hold, by the name of its class."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What each action of the page takes, by its number."""

    kinds: Mapping[int, tuple[tuple[type | None, ...], ...]]

    @classmethod
    def of(cls, page: gr.Blocks) -> Inputs:
        """Those of a page; a part of a kind that is not known here is an error of whoever added it."""
        return cls(
            {
                number: tuple(_KINDS[type(block).__name__] for block in action.inputs)
                for number, action in page.fns.items()
                if action.fn is not None
            }
        )

    def session_of_question(self, body: bytes) -> str:
        """Whose question it is. Raises Refused for what the page does not ask."""
        given = _object(body, {"data", "fn_index", "session_hash"}, {"event_data", "trigger_id"})
        number, data = given["fn_index"], given["data"]
        kinds = self.kinds.get(number) if type(number) is int else None
        if (
            kinds is None
            or not isinstance(data, list)
            or len(data) != len(kinds)
            or not all(map(_is_one_of, data, kinds))
            or given.get("event_data") not in (None, {})
            or not _is_one_of(given.get("trigger_id"), (int, None))
        ):
            raise _wrong()
        return _session(given)

    def check_cancelling(self, body: bytes) -> None:
        """Raises Refused for what the page does not send to break an event off."""
        given = _object(body, {"event_id", "fn_index", "session_hash"})
        _session(given)
        if type(given["fn_index"]) is not int or given["fn_index"] not in self.kinds:
            raise _wrong()
        _check_event(given["event_id"])


def check_reset(body: bytes) -> None:
    """Raises Refused for what the page does not send when an event is over."""
    _check_event(_object(body, {"event_id"})["event_id"])


def session_of_stream(query: bytes) -> str:
    """Who listens. Raises Refused when nobody is named."""
    named = _STREAM.fullmatch(query)
    if named is None:
        raise nothing_here()
    return named[1].decode()


def _object(body: bytes, needed: set[str], possible: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(422, "That isn't JSON.") from None
    if not isinstance(given, dict) or not needed <= given.keys() <= needed | possible:
        raise _wrong()
    return given


def _wrong() -> Refused:
    return Refused(422, "The page doesn't send that.")


def _session(given: Mapping[str, Any]) -> str:
    session = given["session_hash"]
    if not isinstance(session, str) or not SESSION.fullmatch(session):
        raise _wrong()
    return session


def _check_event(name: object) -> None:
    if not isinstance(name, str) or not _EVENT.fullmatch(name):
        raise _wrong()


def _is_one_of(value: object, kinds: tuple[type | None, ...]) -> bool:
    if isinstance(value, int):
        return type(value) is int and int in kinds and abs(value) < _LARGEST
    return None in kinds if value is None else isinstance(value, str) and str in kinds
