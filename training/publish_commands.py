"""`python -m training publish`: the model or the page's Space to the Hugging Face hub."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

_PRIVATE = click.option("--private", is_flag=True, help="A new repository is seen by its owners only.")
_DRY_RUN = click.option("--dry-run", is_flag=True, help="List what would go, and send nothing.")


@click.group()
def publish() -> None:
    """Bring the model or the page's Space to the Hugging Face hub."""


@publish.command(name="model")
@click.option("--repo", required=True, help="NAME/repository; it is created when there is none.")
@click.option("--model", default="bundled", show_default=True, help="The artefact: bundled or a folder.")
@click.option(
    "--card", type=click.Path(path_type=Path), default=Path("docs/model-card.md"), show_default=True, help="Its card."
)
@_PRIVATE
@_DRY_RUN
def publish_model(repo: str, model: str, card: Path, private: bool, dry_run: bool) -> None:
    """Upload an artefact with its card, and print its MODEL."""
    from model.checkpoints.checkpoint import open_checkpoint
    from training.publish import model_files

    message = f"Vibecheck {open_checkpoint(model).version}"
    revision = _publish(model_files(model, card), repo, "model", message, private=private, dry_run=dry_run)
    if revision:
        click.echo(f"MODEL={repo}@{revision}")


@publish.command(name="space")
@click.option("--repo", required=True, help="NAME/space; it is created when there is none.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path(__file__).parent / "space",
    show_default="the one that comes with Vibecheck",
    help="The Space's own files.",
)
@click.option("--model", default="", help="The published model that answers there, as NAME/repository@revision.")
@_PRIVATE
@_DRY_RUN
def publish_space(repo: str, folder: Path, model: str, private: bool, dry_run: bool) -> None:
    """Upload the web page's Space, with the program in it."""
    from training.publish import check_published, space_files

    with tempfile.TemporaryDirectory() as scratch:
        files = space_files(folder)
        if model:
            check_published(model)
            files["MODEL"] = Path(scratch) / "MODEL"
            files["MODEL"].write_text(f"{model}\n", "utf-8")
        revision = _publish(files, repo, "space", "Vibecheck's page", private=private, dry_run=dry_run)
    if revision:
        click.echo(f"revision {revision}")


def _publish(files: dict[str, Path], repo: str, kind: str, message: str, *, private: bool, dry_run: bool) -> str | None:
    from training.publish import check_repository
    from training.publish import publish as run_publish

    check_repository(repo)
    for name, path in files.items():
        click.echo(f"{path.stat().st_size:>12,}  {name}")
    if dry_run:
        click.echo(f"{len(files)} files would go to the {kind} {repo}; nothing was sent.")
        return None
    return run_publish(files, repo, kind, message, private=private)
