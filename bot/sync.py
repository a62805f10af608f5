"""Commands are registered with Discord only when they have changed."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import discord
from discord import app_commands

_log = logging.getLogger(__name__)


async def sync_if_changed(tree: app_commands.CommandTree[discord.Client], application_id: int, folder: Path) -> bool:
    """Registers the global commands if their payload is not the one last registered; True when it did so.

    The payload's hash is kept in `folder`/commands.json by application. Where that file cannot be read or written the
    commands are simply registered again.
    """
    payload = [command.to_dict(tree) for command in tree.get_commands()]
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()
    file = folder / "commands.json"
    known = _read(file)
    if known.get(str(application_id)) == digest:
        return False
    await tree.sync()
    known[str(application_id)] = digest
    _write(file, known)
    _log.info("registered %d commands with Discord", len(payload))
    return True


def _read(file: Path) -> dict[str, str]:
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(file: Path, known: dict[str, str]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(file)
    except OSError as error:
        _log.warning("%s cannot be written (%s); commands are registered at each start", file, error.strerror)
