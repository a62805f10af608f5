"""`python -m model`: verdicts for texts, lines or a CSV, at the command line."""

from __future__ import annotations

import asyncio
import codecs
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from model.backends.base import granted_cpus
from model.backends.engine import BACKENDS, DEVICES
from model.checkpoints.checkpoint import BUNDLED
from model.classifier import Classifier
from model.concurrency import in_thread
from model.errors import ModelError, NothingToRead, Unreadable
from model.installation import version_line
from model.tables import (
    COLUMNS,
    UNREADABLE,
    Table,
    described,
    header_line,
    read_table,
    result_cells,
    row_line,
)
from model.text.languages import ENGLISH, names_of
from model.verdict import Verdict

_CHUNK = 512
_LONGEST_TEXT = 10_000_000
_READ = 65_536
"""Bytes of standard input that are taken at a time: all that is there, up to what a pipe holds."""

_HEADER = f"{'sentiment':<10} {'sure':>6} {'score':>7}  text"
_NOT_RATED = "Not rated: someone may be in danger."

Answer = Verdict | ModelError


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(version_line())
        context.exit()


VERSION = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the versions of the program and of the bundled model.",
)


@click.command()
@click.argument("texts", nargs=-1)
@click.option(
    "--csv",
    "table",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    help="A table to score: CSV with any common delimiter, or one text on each line; - is standard input.",
)
@click.option("--column", help="The name of the column with the texts (guessed if not given).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each text.")
@click.option(
    "--model",
    "source",
    default=BUNDLED,
    show_default=True,
    envvar="MODEL",
    show_envvar=True,
    help="bundled, multilingual, a folder, or org/name@revision; two joined by a + share the languages.",
)
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True, help="Where the model runs.")
@click.option("--backend", type=click.Choice(BACKENDS), default="auto", show_default=True, help="What runs the model.")
@VERSION
def main(
    texts: tuple[str, ...],
    *,
    table: Path | None,
    column: str | None,
    as_json: bool,
    source: str,
    device: str,
    backend: str,
) -> None:
    """Print the sentiment of each TEXT, of each line of standard input, or of each row of a table.

    Texts and lines come out in columns for people to read, under a line that names them. For a program there is --json:
    an object a line, with null for what isn't known, and nothing else. A model for several languages says beside each
    text which one it took it for, by its code with --json. Lines are answered as they come, while whoever
    writes them is still writing.

    A table comes out on standard output as CSV in UTF-8: the same rows in the same order, with the columns sentiment,
    negative, neutral, positive, score, windows and parts added. Blank lines are no rows. A row with nothing to read
    (only a link, say) is neutral with 0 windows. One in another language is unreadable and has no numbers. One in
    which somebody may be in danger is negative and has no numbers either, because it isn't rated. A text has more
    parts than windows if it was too long to be read whole. Cells that a spreadsheet would run as a formula get a ' in
    front.
    """
    if table is not None and (texts or as_json):
        raise click.UsageError(f"Give --csv or {'texts' if texts else '--json'}, not both.")
    if column is not None and table is None:
        raise click.UsageError("--column names a column of a table. Give the table with --csv.")
    opened = partial(_open, source, device, backend)
    if table is not None:
        _prepare_output(encoding="utf-8", newline="")
        name = "standard input" if str(table) == "-" else table.name
        asyncio.run(score_table(read_table(_content(table), name, column), name, opened))
        return
    if not texts and sys.stdin.isatty():
        called = click.get_current_context().command_path
        raise click.UsageError(f'Give a text, as in: {called} "this slaps", or lines on standard input.')
    _prepare_output()
    asyncio.run(score_lines(texts, opened, as_json=as_json))


async def _open(source: str, device: str, backend: str) -> Classifier:
    os.environ.setdefault("OMP_NUM_THREADS", str(granted_cpus()))  # which PyTorch reads when it is imported
    return await Classifier.open(source, device=device, backend=backend, max_characters=_LONGEST_TEXT)


def _prepare_output(encoding: str | None = None, newline: str | None = None) -> None:
    """What cannot be written is replaced: a console of another encoding, or half a character in a text."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors="replace", newline=newline)


def _content(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


async def score_lines(texts: Sequence[str], opened: Callable[[], Awaitable[Classifier]], *, as_json: bool) -> None:
    """Writes a line for each text, or without any for each line of standard input, as soon as it has its answer."""
    async with await opened() as classifier:
        if not as_json:
            _write(_HEADER)
        async for lines in _once(texts) if texts else _incoming():
            answers = await classifier.classify_many(lines)
            for text, answer in zip(lines, answers, strict=True):
                shown = text.encode("utf-8", "replace").decode()
                _write(_object(shown, answer) if as_json else _columns(shown, answer))
            sys.stdout.flush()


async def _once(texts: Sequence[str]) -> AsyncIterator[Sequence[str]]:
    yield texts


async def _incoming() -> AsyncIterator[list[str]]:
    """Lines of standard input: those that have come in, as soon as there is one."""
    encoding = "utf-8-sig" if _is_utf8(sys.stdin.encoding) else sys.stdin.encoding
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("replace"), translate=True)
    begun: list[str] = []
    ended = False
    while not ended:
        # Not `sys.stdin`, which waits until its buffer is full, and keeps a lock that a Ctrl-C could not break.
        content = await in_thread(partial(os.read, sys.stdin.fileno(), _READ))
        ended = not content
        first, *others = decoder.decode(content, final=ended).split("\n")
        begun.append(first)
        if others:
            yield ["".join(begun), *others[:-1]]
            begun = others[-1:]
    if rest := "".join(begun):
        yield [rest]


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _columns(text: str, answer: Answer) -> str:
    shown = " ".join(text.split())
    remark = _remark(answer)
    if isinstance(answer, Verdict) and not answer.danger:
        return f"{answer.sentiment:<10} {answer.confidence:>6.1%} {answer.score:>+7.3f}  {shown}{remark}"
    sentiment = UNREADABLE if isinstance(answer, Unreadable) else getattr(answer, "sentiment", "-")
    return f"{sentiment:<10} {'-':>6} {'-':>7}  {shown}{remark}"


def _object(text: str, answer: Answer) -> str:
    sentiment, *numbers = result_cells(answer)
    values = [sentiment or None, *(json.loads(number) if number else None for number in numbers)]
    found = {"text": text, **dict(zip(COLUMNS, values, strict=True)), "note": _note(answer) or None}
    if isinstance(answer, Verdict) and answer.language:
        found["language"] = answer.language
    return json.dumps(found, ensure_ascii=not _is_utf8(sys.stdout.encoding))


def _note(answer: Answer) -> str:
    """What is to be said of an answer beside its numbers."""
    if isinstance(answer, ModelError):
        return str(answer)
    if answer.danger:
        return _NOT_RATED
    return f"read in {answer.windows} of {answer.parts} parts" if answer.skipped else ""


def _remark(answer: Answer) -> str:
    """What stands behind a text, for people: the note, and the language where it is another than English."""
    language = answer.language if isinstance(answer, Verdict) else ""
    said = [*names_of([language] if language not in ("", ENGLISH) else []), _note(answer)]
    remark = ", ".join(filter(None, said))
    return f"  ({remark})" if remark else ""


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name == "utf-8"


async def score_table(table: Table, name: str, opened: Callable[[], Awaitable[Classifier]]) -> None:
    """Writes the table with what was found. Raises the ModelError of a text that has no place in it."""
    click.echo(f"{name}: {described(table)}", err=True)
    async with await opened() as classifier:
        sys.stdout.write(header_line(table.header, "\n"))
        rows = iter(table.rows)
        with tqdm(total=len(table.rows), unit="row", file=sys.stderr, desc=name) as progress:
            while chunk := list(islice(rows, _CHUNK)):
                answers = await classifier.classify_many([row[table.column] for row in chunk])
                for row, answer in zip(chunk, answers, strict=True):
                    if isinstance(answer, ModelError) and not isinstance(answer, NothingToRead | Unreadable):
                        raise answer
                    sys.stdout.write(row_line(row, answer, "\n"))
                sys.stdout.flush()
                progress.update(len(chunk))


def entry(arguments: Sequence[str] | None = None, called: str | None = None) -> None:
    """Turns a ModelError into one sentence and exit code 1.

    `arguments` are the process's own when left out, and `called` is what help calls the command then.
    """
    try:
        main(arguments, called)
    except ModelError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    entry()
