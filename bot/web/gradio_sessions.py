"""What Gradio holds of a visitor, and how it is made to let go: the one file that knows Gradio's insides for this.

Gradio keeps an event that nobody fetches until 2,000 other visitors have come, and computes on for a tab that was
closed. `docs/decisions/0206` says which of our files stand against it, and the tests of this one fail when a new Gradio
makes it unnecessary.
"""

from __future__ import annotations

import logging
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi import FastAPI
    from gradio.routes import App

_log = logging.getLogger(__name__)

_NOTING = "_update_value_in_config"
"""Gradio's method that notes a value."""


class Work(Protocol):
    """What a framework has in hand for its visitors."""

    def unfetched(self, session: str) -> set[str]:
        """The events of a visitor of which not everything has been sent."""

    async def drop(self, session: str) -> None:
        """Ends and forgets all events of a visitor."""

    def forget(self, session: str) -> None:
        """Forgets which parts of the page a visitor sees."""


class GradioWork:
    """The queue and the sessions of a page in Gradio."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._blocks = app.get_blocks()

    def unfetched(self, session: str) -> set[str]:
        """Events leave this set of Gradio's when their end has been sent."""
        return set(self._blocks._queue.pending_event_ids_session.get(session, ()))

    async def drop(self, session: str) -> None:
        """What waits is taken out, what runs is broken off, and what came of it is thrown away."""
        from gradio.utils import cancel_tasks

        queue, app = self._blocks._queue, self._app
        of_visitor = {name: event for name, event in queue.event_ids_to_events.items() if event.session_hash == session}
        await queue.clean_events(session_hash=session)
        await cancel_tasks({f"{session}_{number}" for number in self._blocks.fns})
        for name in of_visitor:
            await queue.reset_iterators(name)
            app.iterators_to_reset.discard(name)
            queue.event_ids_to_events.pop(name, None)
        queue.pending_messages_per_session.pop(session, None)
        queue.pending_event_ids_session.pop(session, None)
        self._blocks.pending_diff_streams.pop(session, None)

    def forget(self, session: str) -> None:
        """The columns of a file are among these."""
        self._app.state_holder.session_data.pop(session, None)
        self._app.state_holder.time_last_used.pop(session, None)


def work_of(page: FastAPI) -> GradioWork:
    """What the application that `page` has mounted has in hand."""
    from gradio.routes import App

    (app,) = (found for route in page.routes if isinstance(found := getattr(route, "app", None), App))
    return GradioWork(app)


def keep_no_values() -> None:
    """Gradio notes each visitor's inputs and outputs, for links to a filled-in page, which this page does not have."""
    from gradio.state_holder import SessionState

    setattr(SessionState, _NOTING, lambda *_: None)


def print_no_tracebacks() -> None:
    """Gradio prints what went wrong with its message, which may hold what somebody typed; the kind is enough."""
    from gradio import queueing, route_utils, routes

    for module in (queueing, route_utils, routes):
        vars(module).update(traceback=SimpleNamespace(print_exc=_log_kind), print=_say_nothing)


def _log_kind(*_: object, **__: object) -> None:
    error = sys.exc_info()[1]
    _log.error("the page's framework failed: %s", type(error).__name__)


def _say_nothing(*_: object, **__: object) -> None:
    pass
