"""What answers when the model that should cannot be had: its last good one on disk, else the bundled one."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

from model.checkpoints.checkpoint import BUNDLED, Missed
from model.checkpoints.hub import HUB_ID, commits_on_disk
from model.checkpoints.joint import sources_in
from model.classifier import Classifier
from model.errors import CheckpointError, HubUnreachable

Forgiven = type[CheckpointError] | tuple[type[CheckpointError], ...]
"""Kinds of errors, as `except` takes them."""

_log = logging.getLogger(__name__)


async def open_or_fall_back(source: str, *, forgiving: Forgiven = HubUnreachable, **options: Any) -> Classifier:
    """The classifier of `source`, or of what is nearest to it; `info.missed` then says so.

    Only `forgiving` errors are answered so. Anything else, such as a folder that is not there or a file that is not
    the artefact's, is for whoever set it to put right, and is raised. `options` are those of `Classifier.open`.
    """
    try:
        return await Classifier.open(source, **options)
    except forgiving as error:
        missed = Missed(source, error.reason if isinstance(error, HubUnreachable) else str(error).rstrip("."))
    for kept in _last_good(source):
        try:
            classifier = await Classifier.open(kept, missed=missed, **options)
        except CheckpointError as error:
            _log.warning("%s", error)
            continue
        if await _sound(classifier):
            return _told(classifier)
        await classifier.close()
    return _told(await Classifier.open(BUNDLED, missed=missed, **options))


def _last_good(source: str) -> Iterator[str]:
    """Other revisions of the same repository that were fetched once, the newest first.

    Of two models one is another, or both are; at last the bundled one reads the English.
    """
    first, *others = sources_in(source)
    if others:
        firsts = dict.fromkeys((first, *_last_good(first), BUNDLED))
        pairs = product(firsts, (others[0], *_last_good(others[0])))
        yield from (f"{one}+{other}" for one, other in islice(pairs, 1, None))
        return
    match = HUB_ID.fullmatch(source)
    if match is None or Path(source).exists():
        return
    repository, revision = match["repository"], match["revision"] or ""
    yield from (f"{repository}@{commit}" for commit in commits_on_disk(repository) if commit != revision)


async def _sound(classifier: Classifier) -> bool:
    """Whether a model is what it was at its export: on disk there may also be one that a reload refused."""
    try:
        count, failures = await classifier.golden()
    except CheckpointError as error:
        _log.warning("%s", error)
        return False
    except BaseException:
        await classifier.close()
        raise
    if failures:
        _log.warning("%s fails %d of its %d golden examples", classifier.info.source, len(failures), count)
    return not failures


def _told(classifier: Classifier) -> Classifier:
    _log.warning("%s", classifier.info.fallback)
    return classifier
