"""Pages of a channel's history as Discord gives them: asked for what is after a message, simcord gives the newest."""

from __future__ import annotations

from typing import Any

from simcord.http import router
from simcord.http.router import RequestContext
from simcord.http.routes.messages import get_history

_ALL = 10**9


def _page(context: RequestContext) -> Any:
    """Those that follow the message, the newest of them first."""
    if "after" not in context.params:
        return get_history(context)
    limit = int(context.params.get("limit", 50))
    context.params["limit"] = _ALL
    return get_history(context)[-limit:]


def teach_pages() -> None:
    """Has simcord's route answer so, in this process."""
    routes = router._ROUTES["GET"]
    for place, (template, handler) in enumerate(routes):
        if handler is get_history:
            routes[place] = (template, _page)
