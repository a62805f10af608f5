"""What the process has started."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.app.freezing import Freezing
from bot.app.service_manager import ServiceManager
from bot.link.traffic import Traffic
from bot.web.page_state import PageState

if TYPE_CHECKING:
    from bot.app.release_follower import ReleaseFollower
    from bot.client import Vibecheck
    from bot.storage.open_storage import Storage
    from model.any_classifier import AnyClassifier


@dataclass(slots=True)
class Running:
    """What has been started, and so has to be ended; None: not yet."""

    store: AsyncExitStack = field(default_factory=AsyncExitStack)
    page: AsyncExitStack = field(default_factory=AsyncExitStack)
    health: AsyncExitStack = field(default_factory=AsyncExitStack)
    traffic: Traffic = field(default_factory=Traffic)
    manager: ServiceManager = field(default_factory=ServiceManager)
    page_state: PageState = field(default_factory=PageState)
    freezing: Freezing = field(default_factory=Freezing)
    storage: Storage | None = None
    classifier: AnyClassifier | None = None
    follower: ReleaseFollower | None = None
    client: Vibecheck | None = None
