"""Puts the bot together; the process, the demo and the tests all make it here."""

from __future__ import annotations

from bot.client import Vibecheck
from bot.features import features
from bot.link.traffic import Traffic
from bot.services import Services
from bot.settings import Settings
from bot.storage.open_storage import Storage
from bot.web.page_state import PageState
from model.any_classifier import AnyClassifier


def assemble(
    settings: Settings,
    classifier: AnyClassifier,
    storage: Storage,
    *,
    message_content: bool = True,
    page: PageState | None = None,
    traffic: Traffic | None = None,
) -> Vibecheck:
    """A client with all its features, ready to be started with a token.

    The classifier and the storage stay their opener's to close. Without `message_content`, which Discord may refuse,
    nothing can be read that nobody asks about. It serves the shards that the storage is this process's for.
    """
    client = Vibecheck(message_content=message_content, traffic=traffic, shards=storage.database.shards)
    services = Services.over(client, settings, classifier, storage, content_seen=message_content, page=page)
    client.equip(services, features(services))
    return client
