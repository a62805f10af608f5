"""The command `vibecheck`: run, demo, web, check, invite, backup, restore, score, score-server, train and others."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from datetime import date, datetime
from pathlib import Path

import click

from bot.settings import SettingsError, load_settings
from bot.storage.errors import StoreError
from model.__main__ import VERSION
from model.__main__ import entry as score_texts
from model.errors import ModelError
from model.installation import needs_extra

_EX_CONFIG = 78


class PassedOn(click.Command):
    """A command of another program: all that follows its name is that program's, `--help` and `--` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leaves the arguments as they are, in `ctx.args`."""
        ctx.args = args
        return []


@click.group()
@VERSION
def main() -> None:
    """Vibecheck, a Discord bot that reads the mood of a text."""


@main.command()
def run() -> None:
    """Connect to Discord and answer until stopped.

    It needs the bot's token as DISCORD_TOKEN, in .env or in the environment.
    """
    settings = load_settings()
    from bot.app.runtime import end_process, run_bot

    end_process(run_bot(settings))


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 = any free one.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def demo(port: int, no_browser: bool) -> None:
    """Try the bot in a local, simulated Discord in the browser.

    The bot is the real one. It needs no token, and nothing leaves this machine.
    """
    if any(importlib.util.find_spec(name) is None for name in ("simcord", "markdown_it", "PIL", "regex")):
        click.echo(needs_extra("The demo", "demo"), err=True)
        sys.exit(1)
    from bot.demo import demo as run_demo

    sys.exit(asyncio.run(run_demo(port, open_browser=not no_browser)))


@main.command()
@click.option("--host", help="Address to listen on (WEB_HOST if not given). 0.0.0.0 = every network.")
@click.option("--port", type=click.IntRange(0, 65535), help="0 = any free one (WEB_PORT or 7860 if not given).")
@click.option("--share", is_flag=True, help="Also get a public address at gradio.live.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def web(host: str | None, port: int | None, share: bool, no_browser: bool) -> None:
    """Open the web page: a text, a table, two models compared.

    It needs no token.
    """
    from bot.app.page import DEFAULT_PORT, NEEDS_EXTRA, has_extra, serve
    from bot.app.shutdown import run_to_the_end

    if not has_extra():
        click.echo(NEEDS_EXTRA, err=True)
        sys.exit(1)
    settings = load_settings()
    where = host or settings.web_host, (settings.web_port or DEFAULT_PORT) if port is None else port
    run_to_the_end(serve(settings, *where, share=share or settings.web_share, open_browser=not no_browser))
    from bot.app.runtime import end_process

    end_process(0)


@main.command()
def check() -> None:
    """Say whether settings, model, token and intents are in order."""
    from bot.cli.check import check as run_check

    findings = asyncio.run(run_check())
    for finding in findings:
        click.echo(str(finding))
    sys.exit(0 if all(finding.good for finding in findings) else 1)


@main.command()
@click.option("--ready", is_flag=True, help="Also check that it's connected to Discord.")
@click.option(
    "--wait", type=click.FloatRange(0, 3600), default=0, help="Ask again for so many seconds until all's well."
)
def health(ready: bool, wait: float) -> None:
    """Ask the bot that runs on this machine how it is.

    It answers where METRICS_PORT is set. Exit code 1: something is not well.
    """
    from bot.cli.health import ask_until_well

    answer = ask_until_well(load_settings(), "/readyz" if ready else "/healthz", wait)
    click.echo(answer.said)
    sys.exit(0 if answer.ok else 1)


@main.command()
@click.option("--client-id", type=int, help="The application's id (looked up with DISCORD_TOKEN if not given).")
def invite(client_id: int | None) -> None:
    """Print the links that add the bot to a server or an account."""
    from bot.cli.check import application_id, invite_link, user_install_link

    identity = client_id or asyncio.run(application_id(load_settings()))
    click.echo(f"To a server:          {invite_link(identity)}")
    click.echo(f"To your own account:  {user_install_link(identity)}")


@main.command("rotate-key")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The old key's last day (opt-outs always keep it).")
@click.option("--for-days", type=click.IntRange(1, 36_500), help="The same as a number of days.")
@click.option("--no-end", is_flag=True, help="Keep it for good (the default).")
@click.option("--lost", is_flag=True, help="Make no key: the old one is lost, and a PostgreSQL is to take today's.")
def rotate_key(until: datetime | None, for_days: int | None, no_end: bool, lost: bool) -> None:
    """Put a new key before the one that people are hashed with."""
    from bot.cli.rotate_key import accept_key, last_day
    from bot.cli.rotate_key import rotate_key as rotate

    if (until is not None) + (for_days is not None) + no_end + lost > 1:
        raise click.UsageError("Give one of --until, --for-days, --no-end and --lost.")
    if lost:
        click.echo(asyncio.run(accept_key(load_settings())))
        return
    today = date.today()
    end = last_day(for_days, today) if for_days is not None else until.date() if until is not None else None
    done = rotate(load_settings(), end, today)
    if done.setting is not None:
        click.echo(f"HASH_KEY={done.setting}")
    click.echo(done.words, err=True)


_FILE = click.Path(path_type=Path, dir_okay=False)
_PASSPHRASE = click.option("--passphrase-file", type=_FILE, help="A file with the passphrase it's encrypted with.")


@main.command()
@click.argument("place", type=click.Path(path_type=Path))
@click.option("--to", "recipients", multiple=True, metavar="AGE1...", help="Encrypt it for the holder of this key.")
@_PASSPHRASE
def backup(place: Path, recipients: tuple[str, ...], passphrase_file: Path | None) -> None:
    """Copy the database to PLACE; the bot may run meanwhile.

    PLACE is a new file, or a folder: there it is named after the time, and backups older than RETENTION_DAYS go.
    """
    from bot.cli.backup import backup as make_backup
    from bot.cli.encryption import Lock

    if recipients and passphrase_file is not None:
        raise click.UsageError("Give --to or --passphrase-file, not both.")
    click.echo(asyncio.run(make_backup(load_settings(), place, Lock(recipients, passphrase_file))))


@main.command("backup-key")
@click.argument("file", type=_FILE)
def backup_key(file: Path) -> None:
    """Make a key for encrypted backups in FILE.

    It prints the AGE1... for `backup --to`.

    Keep FILE where neither the bot nor the backups are: it alone opens them.
    """
    from bot.cli.encryption import new_identity

    click.echo(new_identity(file))


@main.command()
@click.argument("file", type=_FILE)
@click.option("--identity-file", type=_FILE, help="The file from `backup-key`, for an encrypted copy.")
@_PASSPHRASE
def restore(file: Path, identity_file: Path | None, passphrase_file: Path | None) -> None:
    """Put the copy in FILE in the place of the database.

    The database is the file in DATA_DIR or the PostgreSQL of DATABASE_URL, whatever the copy was made of. What people
    have had deleted since, their opt-outs and opt-ins, and servers and channels that are gone are done again. The bot
    must not run.
    """
    from bot.cli.backup import restore as put_back

    keys = {"identity_file": identity_file, "passphrase_file": passphrase_file}
    click.echo(asyncio.run(put_back(load_settings(), file, **keys)))


@main.command("move-store")
@click.option(
    "--to-postgres", "address", type=_FILE, help="To the PostgreSQL whose address (postgresql://...) is in this file."
)
@click.option("--to-sqlite", is_flag=True, help="From the PostgreSQL of DATABASE_URL to the file in DATA_DIR.")
@click.option("--replace", is_flag=True, help="Also if there is something; it goes for good. You are asked first.")
def move_store(address: Path | None, to_sqlite: bool, replace: bool) -> None:
    """Move all that is kept from SQLite to PostgreSQL, or back.

    The store that the settings name is copied and left as it is; then both are compared, and a line for the settings
    is printed. Whole or not at all, and the bot must not run.
    """
    from bot.cli.move_store import move_store as move
    from bot.cli.move_store import say_each_tenth

    if to_sqlite == (address is not None):
        raise click.UsageError("Give --to-postgres FILE or --to-sqlite.")
    settings = load_settings()
    if replace:
        click.confirm("All rows in the store that it goes to will be gone for good. Go on?", abort=True)
    progress = say_each_tenth(lambda said: click.echo(said, err=True))
    click.echo(asyncio.run(move(settings, address, replace=replace, progress=progress)))


@main.command(cls=PassedOn)
@click.pass_context
def score(context: click.Context) -> None:
    """Print how texts, lines or the rows of a table sound."""
    score_texts(context.args, context.command_path)


@main.command("score-server")
@click.option("--host", help="Address to listen on (127.0.0.1 if not given). 0.0.0.0 = every network.")
@click.option("--port", type=click.IntRange(0, 65535), help="0 = any free one (8000 if not given).")
def score_server(host: str | None, port: int | None) -> None:
    """Score texts for bots on other machines, until stopped.

    They have its address as INFERENCE_URL, and the same INFERENCE_TOKEN. It needs no token of Discord's.
    """
    settings = load_settings()
    from bot.app.runtime import end_process
    from bot.app.score_server import DEFAULT_HOST, DEFAULT_PORT, run_server

    end_process(run_server(settings, host or DEFAULT_HOST, DEFAULT_PORT if port is None else port))


@main.command(cls=PassedOn)
@click.pass_context
def train(context: click.Context) -> None:
    """Train, evaluate, export and publish a model of your own."""
    from training.__main__ import run as run_training

    run_training(context.args, context.command_path)


def entry() -> None:
    """Turns a SettingsError, a StoreError or a damaged bundled model into one sentence and exit code 78."""
    try:
        main()
    except (SettingsError, StoreError, ModelError) as error:
        click.echo(str(error), err=True)
        sys.exit(_EX_CONFIG)
