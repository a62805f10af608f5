"""`python -m training`: the two phases, evaluation and export."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from training.errors import TrainingError

_DATA = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of local Parquet sets.")
_BASE_HELP = 'A hub id, a folder, or "minilm" for the encoder of the training extra.'


@click.group()
def main() -> None:
    """Train, evaluate and export the sentiment model."""


@main.command()
@click.option("--recipe", default="imdb", show_default=True, help="A bundled recipe's name or a TOML file.")
@click.option("--base", default="minilm", show_default=True, help=_BASE_HELP)
@click.option("--output", type=click.Path(path_type=Path), default=Path("runs/imdb"), show_default=True)
@click.option("--max-rows", type=click.IntRange(0), default=0, help="Train on this many rows only (0: all).")
@_DATA
def imdb(recipe: str, base: str, output: Path, max_rows: int, data: Path | None) -> None:
    """Phase 1: film reviews, two classes."""
    _train("imdb", recipe, base, output, max_rows, data)


@main.command()
@click.option("--recipe", default="slang", show_default=True, help="A bundled recipe's name or a TOML file.")
@click.option("--base", default="runs/imdb", show_default=True, help="Phase 1's folder, or any other base.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("runs/slang"), show_default=True)
@click.option("--max-rows", type=click.IntRange(0), default=0, help="Train on this many rows only (0: all).")
@_DATA
def slang(recipe: str, base: str, output: Path, max_rows: int, data: Path | None) -> None:
    """Phase 2: modern chat, three classes, with replay of phase 1."""
    _train("slang", recipe, base, output, max_rows, data)


def _train(phase: str, name: str, base: str, output: Path, max_rows: int, data: Path | None) -> None:  # noqa: PLR0917
    from training.phases import run_phase
    from training.recipe import read_recipe, recipe_path

    recipe = read_recipe(recipe_path(name))
    if recipe.phase != phase:
        raise TrainingError(f"{name} is a recipe for `python -m training {recipe.phase}`, not for {phase}.")
    result = run_phase(recipe, base, data, output, max_rows=max_rows)
    for metric, value in result.metrics.items():
        click.echo(f"{metric} {value:.4f}")
    click.echo(f"checkpoint {result.folder}")


def run() -> None:
    """Turns a TrainingError into one sentence on stderr and exit code 1."""
    try:
        main()
    except TrainingError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
