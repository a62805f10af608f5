"""Two models as one: the first reads English, the second what else it was released for."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from model.checkpoints.checkpoint import Checkpoint
from model.errors import CheckpointError, CheckpointNotFound
from model.text.languages import ENGLISH

_AND = "+"


def sources_in(source: str) -> tuple[str, ...]:
    """The one source that it is, or two that are joined by a "+". A folder whose name has one is a folder.

    Raises CheckpointNotFound for what is neither.
    """
    if _AND not in source or _is_there(source):
        return (source,)
    places = [place for place, sign in enumerate(source) if sign == _AND]
    for first, second in ((source[:place].strip(), source[place + 1 :].strip()) for place in places):
        if all(one and (_AND not in one or _is_there(one)) for one in (first, second)):
            return first, second
    raise CheckpointNotFound(
        f'"{source}" isn\'t a model. Give one, or two joined by a +, as in bundled+multilingual: the first reads '
        "English, the second its other languages."
    )


def languages_of(checkpoint: Checkpoint) -> dict[str, float]:
    """What it reads, with the temperature of each language."""
    return dict(checkpoint.languages) or {ENGLISH: checkpoint.temperature}


def joint(first: Checkpoint, second: Checkpoint) -> Checkpoint:
    """What is known of two models that answer as one: each language is the first's that reads it.

    Raises CheckpointError where the second reads nothing that the first does not.
    """
    here, there = languages_of(first), languages_of(second)
    if not there.keys() - here.keys():
        raise CheckpointError(
            f"{second.source} reads no language that {first.source} doesn't. The second of two models must be one that "
            "was released for other languages."
        )
    both = f"{first.sha256} {second.sha256}"
    return replace(
        first,
        source=f"{first.source}{_AND}{second.source}",
        version=f"{first.version}{_AND}{second.version}",
        sha256=hashlib.sha256(both.encode()).hexdigest(),
        languages=MappingProxyType({**there, **here}),
        missed=first.missed or second.missed,
    )


def _is_there(source: str) -> bool:
    try:
        return Path(source).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # such as a name that is none
        return False
