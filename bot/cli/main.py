"""The command `vibecheck`: run, demo, web, check, invite, rotate-key, backup, restore, score and train."""

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
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
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
@click.option("--host", help="Address to listen at; WEB_HOST without it. 0.0.0.0 is everybody's.")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one; WEB_PORT, or 7860, without it.")
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
@click.option("--ready", is_flag=True, help="Also whether it is connected to Discord.")
def health(ready: bool) -> None:
    """Ask the bot that runs on this machine how it is.

    It answers where METRICS_PORT is set. Exit code 1: something is not well.
    """
    from bot.cli.health import ask

    answer = ask(load_settings(), "/readyz" if ready else "/healthz")
    click.echo(answer.said)
    sys.exit(0 if answer.ok else 1)


@main.command()
@click.option("--client-id", type=int, help="The application's id; without it the one of DISCORD_TOKEN is asked for.")
def invite(client_id: int | None) -> None:
    """Print the links that add the bot to a server or an account."""
    from bot.cli.check import application_id, invite_link, user_install_link

    identity = client_id or asyncio.run(application_id(load_settings()))
    click.echo(f"To a server:          {invite_link(identity)}")
    click.echo(f"To your own account:  {user_install_link(identity)}")


@main.command("rotate-key")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day of the former key, but for opt-outs.")
@click.option("--for-days", type=click.IntRange(1, 36_500), help="For so many whole days, instead of a date.")
@click.option("--no-end", is_flag=True, help="Always; that is also what happens without any of the three.")
def rotate_key(until: datetime | None, for_days: int | None, no_end: bool) -> None:
    """Put a new key before the one that people are hashed with."""
    from bot.cli.rotate_key import last_day
    from bot.cli.rotate_key import rotate_key as rotate

    if (until is not None) + (for_days is not None) + no_end > 1:
        raise click.UsageError("Give one of --until, --for-days and --no-end.")
    today = date.today()
    end = last_day(for_days, today) if for_days is not None else until.date() if until is not None else None
    done = rotate(load_settings(), end, today)
    if done.setting is not None:
        click.echo(f"HASH_KEY={done.setting}")
    click.echo(done.words, err=True)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def backup(file: Path) -> None:
    """Write a copy of the database to FILE; the bot may run meanwhile."""
    from bot.cli.backup import backup as make_backup

    click.echo(make_backup(load_settings(), file))


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(file: Path) -> None:
    """Put the copy in FILE in the place of the database.

    What people have had deleted since, their opt-outs and opt-ins, and servers and channels that are gone are done
    again. The bot must not run.
    """
    from bot.cli.backup import restore as put_back

    click.echo(asyncio.run(put_back(load_settings(), file)))


@main.command(cls=PassedOn)
@click.pass_context
def score(context: click.Context) -> None:
    """Print how texts, lines or the rows of a table sound."""
    score_texts(context.args, context.command_path)


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
