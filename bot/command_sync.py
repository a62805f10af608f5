"""Commands are registered with Discord only when they have changed."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import discord
from discord import app_commands

_log = logging.getLogger(__name__)


async def sync_if_changed(
    tree: app_commands.CommandTree[discord.Client],
    application_id: int,
    folder: Path,
    guild: discord.abc.Snowflake | None = None,
) -> bool:
    """Registers the global commands, and those of `guild`, if their payload is not the one last registered.

    A guild that had commands of its own before and is no longer asked for loses them. True when it registered any. The
    payloads' hashes are kept in `folder`/commands.json by application. Where that file cannot be read or written the
    commands are simply registered again.
    """
    file = folder / "commands.json"
    known = _read(file)
    fresh = False
    before = [name.partition("/")[2] for name in known if name.startswith(f"{application_id}/")]
    left = [discord.Object(int(name)) for name in before if name.isdigit() and (guild is None or int(name) != guild.id)]
    for where in [None, *left, *([guild] if guild is not None else [])]:
        payload = [command.to_dict(tree) for command in tree.get_commands(guild=where)]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()
        name = str(application_id) if where is None else f"{application_id}/{where.id}"
        if known.get(name) == digest:
            continue
        try:
            await tree.sync(guild=where)
        except discord.HTTPException as error:
            if where is None:
                raise
            if where in left:
                del known[name]  # the bot is no longer there
                fresh = True
                continue
            _log.error("ADMIN_GUILD: /model could not be registered in server %s: %s", where.id, error.text)
            continue
        known[name] = digest
        if where in left:
            del known[name]  # it has none of ours any more
        fresh = True
        _log.info("registered %d commands with Discord%s", len(payload), f" in server {where.id}" if where else "")
    if fresh:
        _write(file, known)
    return fresh


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
