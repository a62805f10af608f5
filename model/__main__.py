"""`python -m model`: verdicts for texts, lines or a CSV, at the command line."""

from __future__ import annotations

import asyncio
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from model.checkpoint import BUNDLED
from model.classifier import Classifier
from model.engine import DEVICES
from model.errors import ModelError, NothingToRead
from model.verdict import Sentiment, Verdict

COLUMNS = ("sentiment", "negative", "neutral", "positive", "score", "windows")
_CHUNK = 512
_LONGEST_TEXT = 10_000_000


@click.command()
@click.argument("texts", nargs=-1)
@click.option("--csv", "table", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A CSV to score.")
@click.option("--column", default="text", show_default=True, help="The CSV's column that holds the texts.")
@click.option("--model", "source", default=BUNDLED, show_default=True, help="bundled, a folder, or org/name@revision.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
def main(texts: tuple[str, ...], table: Path | None, column: str, source: str, device: str) -> None:
    """Print the sentiment of each TEXT, of each line of standard input, or of each row of a CSV.

    A CSV comes out on standard output with the columns sentiment, negative, neutral, positive, score and windows
    added; a row with nothing to read (only a link, say) is neutral with 0 windows.
    """
    if table is not None:
        asyncio.run(_score_table(table, column, source, device))
        return
    if not texts and sys.stdin.isatty():
        raise click.UsageError('Give a text, as in: python -m model "this slaps", or lines on standard input.')
    asyncio.run(_score_lines(texts or tuple(line.rstrip("\r\n") for line in sys.stdin), source, device))


async def _score_lines(texts: Sequence[str], source: str, device: str) -> None:
    async with await Classifier.open(source, device=device, max_characters=_LONGEST_TEXT) as classifier:
        for text, answer in zip(texts, await classifier.classify_many(texts), strict=True):
            click.echo(_line(text, answer))


def _line(text: str, answer: Verdict | ModelError) -> str:
    shown = " ".join(text.encode("utf-8", "replace").decode().split())
    if isinstance(answer, ModelError):
        return f"{'-':<8}    -       -  {shown}  ({answer})"
    return f"{answer.sentiment:<8} {answer.confidence:>6.1%} {answer.score:>+7.3f}  {shown}"


async def _score_table(path: Path, column: str, source: str, device: str) -> None:
    # Read once before anything is written: what cannot be read to its end is refused whole.
    widths = [len(row) for row in _read_table(path)]
    count, rows = len(widths), _read_table(path)
    header = next(rows, None)
    if header is None:
        raise click.ClickException(f"{path.name} is empty; a header line with a column {column!r} is needed.")
    if column not in header:
        raise click.ClickException(f"{path.name} has no column {column!r}; its columns are {', '.join(header)}.")
    clash = [name for name in COLUMNS if name in header]
    if clash:
        raise click.ClickException(f"{path.name} already has a column {clash[0]!r}; rename it, it would be doubled.")
    if longer := next((number for number, width in enumerate(widths, 1) if width > len(header)), None):
        raise click.ClickException(
            f"Row {longer} of {path.name} has more cells than the header has columns; is a comma not in quotes?"
        )
    place = header.index(column)
    async with await Classifier.open(source, device=device, max_characters=_LONGEST_TEXT) as classifier:
        out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", errors="replace", newline="", write_through=True)
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*header, *COLUMNS])
        with tqdm(total=count - 1, unit="row", file=sys.stderr, desc=path.name) as progress:
            while chunk := list(islice(rows, _CHUNK)):
                padded = [row + [""] * (len(header) - len(row)) for row in chunk]
                answers = await classifier.classify_many([row[place] for row in padded])
                for row, answer in zip(padded, answers, strict=True):
                    writer.writerow([*row, *_cells(answer)])
                progress.update(len(chunk))
        out.detach()


def _read_table(path: Path) -> Iterator[list[str]]:
    """Rows of a CSV, blank lines left out. Raises ClickException for what is not UTF-8 CSV."""
    csv.field_size_limit(_LONGEST_TEXT)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (row for row in csv.reader(file) if row)
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path.name} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    except csv.Error as error:
        raise click.ClickException(f"{path.name} is not a CSV that can be read: {error}.") from None


def _cells(answer: Verdict | ModelError) -> list[str]:
    if isinstance(answer, NothingToRead):
        return [Sentiment.NEUTRAL, "0.0", "1.0", "0.0", "0.0", "0"]
    if isinstance(answer, ModelError):
        raise answer
    return [
        answer.sentiment,
        *(f"{probability:.6f}" for probability in answer.probabilities),
        f"{answer.score:.6f}",
        str(answer.windows),
    ]


def entry() -> None:
    """Turns a ModelError into one sentence and exit code 1."""
    try:
        main()
    except ModelError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    entry()
