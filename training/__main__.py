"""`python -m training`: the two phases, evaluation and export."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from model.checkpoints.checkpoint import BUNDLED_FOLDER
from model.errors import ModelError
from model.installation import needs_extra
from training.errors import Interrupted, TrainingError
from training.paths import NewFile, NewFolder
from training.publish_commands import publish

OWN_PACKAGES = ("bot", "model", "training")
"""A module of ours that is missing is a fault of ours; any other comes with the extra."""

_DATA = click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of local Parquet sets.")
_CHECKPOINT_HELP = "Where the checkpoint goes."
_FOLDER_HELP = "The folder to write to."
_FILE_HELP = "The file to write."
_BASE_HELP = 'A hub id, a folder, "minilm" for the encoder of the training extra, or "bundled".'


@click.group()
def main() -> None:
    """Train, evaluate, export and publish the sentiment model.

    "all" runs the whole way, and "all --dry-run" shows it. Each step reads what the one before wrote to runs/.
    """


@main.command("all")
@click.option("--base", default="minilm", show_default=True, help=_BASE_HELP)
@click.option("--output", type=NewFolder(), default=Path("my-model"), show_default=True, help=_FOLDER_HELP)
@click.option("--max-rows", type=click.IntRange(0), default=0, help="Train on this many rows only (0: all).")
@click.option("--again", is_flag=True, help="Do finished steps again.")
@click.option("--dry-run", is_flag=True, help="Show the steps, and do nothing.")
@_DATA
def run_all(base: str, output: Path, max_rows: int, again: bool, dry_run: bool, data: Path | None) -> None:  # noqa: PLR0917
    """All steps from reviews to a model, those that are left."""
    from training.run_way import run_way

    run_way(main, data, base=base, output=output, max_rows=max_rows, again=again, dry_run=dry_run)


@main.command()
@click.option("--recipe", default="imdb", show_default=True, help="A bundled recipe's name or a TOML file.")
@click.option("--base", default="minilm", show_default=True, help=_BASE_HELP)
@click.option("--output", type=NewFolder(), default=Path("runs/imdb"), show_default=True, help=_CHECKPOINT_HELP)
@click.option("--max-rows", type=click.IntRange(0), default=0, help="Train on this many rows only (0: all).")
@_DATA
def imdb(recipe: str, base: str, output: Path, max_rows: int, data: Path | None) -> None:
    """Phase 1: film reviews, two classes."""
    _train("imdb", recipe, base, output, max_rows, data)


@main.command()
@click.option("--recipe", default="slang", show_default=True, help="A bundled recipe's name or a TOML file.")
@click.option("--base", default="runs/imdb", show_default=True, help="Phase 1's folder, or any other base.")
@click.option("--output", type=NewFolder(), default=Path("runs/slang"), show_default=True, help=_CHECKPOINT_HELP)
@click.option("--max-rows", type=click.IntRange(0), default=0, help="Train on this many rows only (0: all).")
@click.option("--order-seed", type=click.IntRange(0), default=0, help="Order the rows by it, for runs to average.")
@click.option("--without-teacher", is_flag=True, help="Learn from labels alone, whatever the recipe says.")
@_DATA
def slang(  # noqa: PLR0917
    recipe: str, base: str, output: Path, max_rows: int, order_seed: int, without_teacher: bool, data: Path | None
) -> None:
    """Phase 2: modern chat, three classes, with replay of phase 1."""
    _train("slang", recipe, base, output, max_rows, data, order_seed, teacher=not without_teacher)


@main.command()
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("runs/imdb"),
    show_default=True,
    help="Phase 1's folder.",
)
@click.option("--recipe", default="imdb-compact", show_default=True, help="The checkpoint's recipe.")
@click.option("--rows", type=click.IntRange(0), default=25_000, show_default=True, help="Reviews to label (0: all).")
@click.option(
    "--output", type=NewFile(".parquet"), default=Path("runs/taught.parquet"), show_default=True, help=_FILE_HELP
)
@_DATA
def teach(checkpoint: Path, recipe: str, rows: int, output: Path, data: Path | None) -> None:
    """Label unlabelled reviews by phase 1 and a bag of words.

    They are for a second round of phase 1.
    """
    from training.pseudo_labels import teach as run_teacher
    from training.recipe import read_recipe, recipe_path

    for name, value in run_teacher(checkpoint, read_recipe(recipe_path(recipe)), data, rows, output).items():
        click.echo(f"{name} {value}")
    click.echo(f"written to {output}")


@main.command("soft-labels")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("runs/teacher"),
    show_default=True,
    help="The teacher's folder.",
)
@click.option("--recipe", default="chat", show_default=True, help="The recipe of the phase that it teaches.")
@click.option("--rows", type=click.IntRange(1), default=40_000, show_default=True, help="Unlabelled texts to ask of.")
@click.option("--output", type=NewFolder(), default=Path("runs/soft"), show_default=True, help=_FOLDER_HELP)
@_DATA
def soft_labels(checkpoint: Path, recipe: str, rows: int, output: Path, data: Path | None) -> None:
    """Ask a larger network of the last phase's rows and of chat.

    It is asked how sure it is of each label, and the last phase learns that too.
    """
    from training.recipe import read_recipe, recipe_path
    from training.soft_labels import write_soft_labels

    found = write_soft_labels(checkpoint, read_recipe(recipe_path(recipe)), data, rows, output)
    click.echo(f"{found['labelled']:,} rows and {found['unlabelled']:,} texts of chat written to {output}")


@main.command()
@click.option("--recipe", default="chat", show_default=True, help="The last phase's recipe.")
@click.option("--base", default="runs/slang", show_default=True, help="What the last phase begins with.")
@click.option("--output", type=NewFolder(), default=Path("runs/folds"), show_default=True, help=_CHECKPOINT_HELP)
@click.option("--report", type=NewFolder(), default=Path("build/evaluation"), show_default=True, help=_FOLDER_HELP)
@click.option("--max-rows", type=click.IntRange(0), default=0, help="Train on this many rows only (0: all).")
@_DATA
def folds(recipe: str, base: str, output: Path, report: Path, max_rows: int, data: Path | None) -> None:  # noqa: PLR0917
    """Score slang as unseen: five trainings without some terms each."""
    from training.recipe import read_recipe, recipe_path
    from training.term_folds import run_folds

    found = run_folds(read_recipe(recipe_path(recipe)), base, data, output, report, max_rows=max_rows)
    pairs, by_fold = found["pairs"], " ".join(f"{one:.1%}" for one in found["by_fold"])
    click.echo(f"sentences right {found['right']:.1%}, pairs {found['pairs_right']:.1%} of {pairs}; by fold {by_fold}")


@main.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("second", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--share", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="SECOND's part.")
@click.option("--odds", type=(float, float, float), default=(1, 1, 1), help="Multiply those of the three labels.")
@click.option("--output", type=NewFolder(), default=Path("runs/blend"), show_default=True, help=_CHECKPOINT_HELP)
@_DATA
def blend(  # noqa: PLR0917
    first: Path, second: Path, share: float, odds: tuple[float, float, float], output: Path, data: Path | None
) -> None:
    """Interpolate the weights of two checkpoints, and calibrate."""
    from training.weight_blend import blend as run_blend

    for metric, value in run_blend(first, second, share, data, output, odds).items():
        click.echo(f"{metric} {value:.4f}")
    click.echo(f"checkpoint {output}")


@main.command()
@click.argument("checkpoint", type=click.Path(path_type=Path, exists=True, file_okay=False))
@_DATA
def calibrate(checkpoint: Path, data: Path | None) -> None:
    """Fit how sure a checkpoint is, by register."""
    from training.registers import calibrate as run_calibration

    for name, value in run_calibration(checkpoint, data).items():
        click.echo(f"{name} {value:.4f}")


@main.command()
@click.option("--checkpoint", default="runs/slang", show_default=True, help="The folder that training wrote.")
@click.option("--output", type=NewFolder(), default=Path("model/bundled"), show_default=True, help=_FOLDER_HELP)
@click.option(
    "--gate-rows", type=click.IntRange(0), default=2000, show_default=True, help="Texts of each gate set (0: no gate)."
)
@click.option("--float-layer", "float_layers", type=int, multiple=True, help="Keep this layer in floats; repeatable.")
@click.option("--floats", is_flag=True, help="Write fp32 instead, to evaluate a checkpoint quickly; no gate.")
@_DATA
def export(  # noqa: PLR0917
    checkpoint: str, output: Path, gate_rows: int, float_layers: tuple[int, ...], floats: bool, data: Path | None
) -> None:
    """Write the int8 artefact, if it agrees with the checkpoint."""
    from training.export import export as run_export
    from training.export import export_floats, validation_gates

    if floats:
        if output.resolve() == BUNDLED_FOLDER.resolve():
            raise TrainingError("--floats writes a folder of its own; name it with --output.")
        export_floats(Path(checkpoint), output)
        click.echo(f"fp32 written to {output}")
        return
    manifest = run_export(Path(checkpoint), output, validation_gates(Path(checkpoint), data, gate_rows), float_layers)
    for name, figures in manifest["gate"].items():
        click.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    click.echo(f"model {manifest['version']} written to {output}")


@main.command("export-many")
@click.option("--checkpoint", type=click.Path(path_type=Path, exists=True), required=True, help="What training wrote.")
@click.option("--output", type=NewFolder(), default=Path("model/multilingual"), show_default=True, help=_FOLDER_HELP)
@_DATA
def export_many(checkpoint: Path, output: Path, data: Path | None) -> None:
    """Write the int8 artefact of a model for several languages.

    Those that it reads well enough on validation rows are released, each with a temperature of its own.
    """
    from training.multilingual_release import measure_languages, release

    click.echo("\n".join(map(str, found := measure_languages(checkpoint, data))))
    manifest = release(checkpoint, output, found, data)
    for name, figures in manifest["gate"].items():
        click.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    click.echo(f"model {manifest['version']} written to {output}")


@main.command()
@click.option("--model", "models", multiple=True, help="NAME=SOURCE, repeatable; SOURCE as in MODEL.")
@click.option("--suite", "suites", multiple=True, help="Only these (all final ones that DATA holds if not given).")
@click.option("--languages", is_flag=True, help="The suites of other languages, and English chat.")
@click.option("--identify", is_flag=True, help="Models find each text's language out as the bot does, or refuse it.")
@click.option("--rows", type=click.IntRange(0), default=0, help="At most this many texts of each suite (0: all).")
@click.option("--peers/--no-peers", default=True, show_default=True, help="VADER and TextBlob beside the models.")
@click.option("--output", type=NewFolder(), default=Path("build/evaluation"), show_default=True, help=_FOLDER_HELP)
@_DATA
def evaluate(  # noqa: PLR0917
    models: tuple[str, ...],
    suites: tuple[str, ...],
    languages: bool,
    identify: bool,
    rows: int,
    peers: bool,
    output: Path,
    data: Path | None,
) -> None:
    """Score models and their peers on the same texts.

    The texts are test splits, pairs, slices and a bias probe.
    """
    from training.evaluation.report import evaluate as run_evaluation
    from training.evaluation.suites import FINAL, MULTILINGUAL, available
    from training.evaluation.systems import open_systems
    from training.evaluation.tables import results_table, slices_table, steadiness_table

    wanted = MULTILINGUAL if languages else FINAL
    chosen = tuple(dict.fromkeys(suites)) or available(wanted, data)
    if left_out := [name for name in wanted if name not in chosen and not suites]:
        click.echo(f"left out, because their data isn't there: {', '.join(left_out)}", err=True)
    systems = open_systems(models or ("bundled",), peers=peers, identify=identify)
    report = run_evaluation(systems, chosen, data, output, rows)
    found = filter(None, (steadiness_table(report), results_table(report), slices_table(report)))
    click.echo("\n\n".join([*found, f"report {output / 'report.json'}"]))


@main.command(name="field-cases")
@click.option("--model", default="bundled", show_default=True, help="The model to ask; as in MODEL.")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of local Parquet sets.")
def field_cases(model: str, data: Path) -> None:
    """Put hard short texts to a model as the bot runs it.

    Counted by kind: right, surely wrong and refused.
    """
    from training.evaluation.field_cases import field_table, measure

    report = asyncio.run(measure(model, data))
    click.echo(f"{field_table(report)}\n\nmodel {report.version}")


@main.command()
@click.argument("first", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("second", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--recipe", default="slang", show_default=True, help="Phase 2's recipe.")
@click.option("--rows", type=click.IntRange(1), default=1_000, show_default=True, help="Texts of each task.")
@click.option("--points", type=click.IntRange(2), default=6, show_default=True, help="How many checkpoints to score.")
@click.option("--output", type=NewFolder(), default=Path("build/evaluation"), show_default=True, help=_FOLDER_HELP)
@_DATA
def curve(  # noqa: PLR0917
    first: Path, second: Path, recipe: str, rows: int, points: int, output: Path, data: Path | None
) -> None:
    """Score the checkpoints between those of the two phases.

    FIRST is phase 1's and SECOND phase 2's: what is gained, what forgotten.
    """
    from training.evaluation.forgetting import forgetting_curve
    from training.recipe import read_recipe, recipe_path

    found = forgetting_curve(first, second, read_recipe(recipe_path(recipe)), data, rows=rows, points=points)
    output.mkdir(parents=True, exist_ok=True)
    (output / "forgetting.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for point in found["points"]:
        click.echo("  ".join(f"{key} {value:.4f}" for key, value in point.items()))


@main.command()
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=Path("build/evaluation"),
    show_default=True,
    help="The folder of the report.",
)
@click.option("--model", default="bundled", show_default=True, help="The artefact the card is of.")
@click.option("--name", default="bundled", show_default=True, help="What the report calls it.")
@click.option("--source", default=None, help="What to write into MODEL for it (--model's value if not given).")
@click.option("--output", type=NewFile(".md"), default=Path("docs/model-card.md"), show_default=True, help=_FILE_HELP)
def card(report: Path, model: str, name: str, source: str | None, output: Path) -> None:
    """Write the model card and its plots from a report.

    The report is the folder that `evaluate`, `curve` and `folds` wrote to.
    Where it has no curve, the card keeps the one beside it.
    """
    from training.checkpointing import read_json
    from training.evaluation.card import check_report, write_card
    from training.evaluation.plots import draw, draw_latest_forgetting

    if not (report / "report.json").is_file():
        raise TrainingError(f"There's no report in {report}; `python -m training evaluate` writes one.")
    found = read_json(report / "report.json")
    check_report(found, name, model)
    folder = output.parent / output.stem
    pictures = draw(found, folder, name) + draw_latest_forgetting(report, folder)
    command = "python -m training evaluate" + (f" --rows {found['rows']}" if found["rows"] else "")
    by_folds = read_json(folds_file) if (folds_file := report / "folds.json").is_file() else None
    write_card(found, name, model, output, pictures, command=command, source=source or model, folds=by_folds)
    click.echo(f"card {output}")


@main.command()
@click.option("--base", default="minilm", show_default=True, help=_BASE_HELP)
@click.option("--output", type=NewFolder(), default=Path("build/smoke"), show_default=True, help=_FOLDER_HELP)
def smoke(base: str, output: Path) -> None:
    """Run every stage on a few sentences: does it work here?"""
    from training.smoke import run_smoke

    run_smoke(main, output, base)
    click.echo(f"\nEvery stage ran; look into {output}.")


main.add_command(publish)


def _train(  # noqa: PLR0917
    phase: str,
    name: str,
    base: str,
    output: Path,
    max_rows: int,
    data: Path | None,
    order_seed: int = 0,
    *,
    teacher: bool = True,
) -> None:
    from training.recipe import read_recipe, recipe_path, without_teacher
    from training.train import run_phase

    recipe = read_recipe(recipe_path(name))
    if recipe.phase != phase:
        raise TrainingError(f"{name} is a recipe for `python -m training {recipe.phase}`, not for {phase}.")
    if not teacher:
        recipe = without_teacher(recipe)
    if order_seed:
        recipe = replace(recipe, order_seed=order_seed)
    result = run_phase(recipe, base, data, output, max_rows=max_rows)
    for metric, value in result.metrics.items():
        click.echo(f"{metric} {value:.4f}")
    click.echo(f"checkpoint {result.folder}")


def run(arguments: Sequence[str] | None = None, called: str | None = None) -> None:
    """Turns a TrainingError, or a file that the system refuses, into one sentence on stderr and exit code 1.

    Exit code 130 is for Ctrl-C. `arguments` are the process's own when left out, and `called` is what help calls the
    command then.
    """
    try:
        main(arguments, called)
    except (TrainingError, ModelError) as error:
        click.echo(str(error), err=True)
        sys.exit(130 if isinstance(error, Interrupted) else 1)
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in {"", *OWN_PACKAGES}:
            raise
        click.echo(needs_extra(f"Training with {module}", "training"), err=True)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:  # not about a file: that is a fault of ours, which its traceback explains
            raise
        click.echo(f"{error.filename} can't be used: {error.strerror}.", err=True)
        sys.exit(1)


if __name__ == "__main__":
    run()
