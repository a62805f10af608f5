"""An artefact or the web page's Space to a hub: what goes, and the revision it got."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalTokenNotFoundError,
    RepositoryNotFoundError,
)

from model.checkpoints.checkpoint import MANIFEST, open_checkpoint
from training.checkpointing import read_json
from training.errors import PublishError

SPACE_NEEDS = ("app.py", "requirements.txt", "README.md", "MODEL")
SPACE_PACKAGES: dict[str, tuple[str, ...]] = {
    "bot": (
        "py.typed",
        "i18n/locales/*/LC_MESSAGES/*.mo",
        "demo/*.js",
        "demo/*.css",
        "web/*.js",
        "web/*.css",
        "web/*.svg",
        "web/templates/*.jinja",
    ),
    "model": (
        "py.typed",
        "bundled/config.json",
        "bundled/golden.json",
        "bundled/model.onnx",
        "bundled/tokenizer.json",
        "bundled/vibecheck.json",
        "text/*.csv",
        "text/*.toml",
        "text/*.txt",
    ),
}
"""A Space has no other way to the program than to hold it. Its data beside `*.py`, as the wheel has it: what somebody
has left in a folder, such as a `.env`, is not published."""

_DENIED = (401, 403)
_PICTURE = re.compile(r"(?<=\]\()[\w./-]+\.png(?=\))")


def model_files(model: str, card: Path) -> dict[str, Path]:
    """What is published of an artefact: its files, the card as README.md and the card's pictures, by path in the hub.

    Raises a CheckpointError for an artefact that is not whole and PublishError for a card that is missing or of
    another version.
    """
    checkpoint = open_checkpoint(model)
    if not card.is_file():
        raise PublishError(f"There's no model card at {card}; `python -m training card` writes it.")
    text = card.read_text("utf-8")
    if checkpoint.version not in text:
        raise PublishError(f"{card} isn't the card of version {checkpoint.version}; write it again.")
    manifest = checkpoint.folder / MANIFEST
    if not manifest.is_file():
        raise PublishError(f"{model} isn't an artefact; `python -m training export` makes one of a checkpoint.")
    files = {name: checkpoint.folder / name for name in (*read_json(manifest)["files"], MANIFEST)}
    pictures = {name: card.parent / name for name in _PICTURE.findall(text)}
    if missing := [name for name, path in pictures.items() if not path.is_file()]:
        raise PublishError(f"{card} shows {missing[0]}, which isn't there; write the card again.")
    return {**files, "README.md": card, **pictures}


def space_files(folder: Path) -> dict[str, Path]:
    """What is published of a Space, by path in the hub: its files, and the program that its app.py imports.

    Raises PublishError when the folder is not one of a Space.
    """
    missing = [name for name in SPACE_NEEDS if not (folder / name).is_file()]
    if missing:
        raise PublishError(f"There's no Space in {folder}: {missing[0]} is missing.")
    program = Path(__file__).parents[1]
    files = {path.relative_to(folder).as_posix(): path for path in _files(folder, SPACE_NEEDS)}
    for package, data in SPACE_PACKAGES.items():
        files |= {path.relative_to(program).as_posix(): path for path in _files(program / package, data)}
    return files


def _files(folder: Path, data: Iterable[str]) -> list[Path]:
    """The Python files below `folder`, and of the others those that one of the patterns names; no hidden one."""
    found = {*folder.rglob("*.py"), *(path for pattern in data for path in folder.glob(pattern))}
    shown = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in shown if path.is_file() and "__pycache__" not in path.parts)


def check_repository(repository: str) -> None:
    """Raises PublishError for what cannot be a repository of the hub: NAME/repository."""
    if "/" not in repository:
        raise PublishError(f"{repository!r} lacks its owner; write NAME/{repository or 'vibecheck'}.")
    try:
        hf_hub_url(repository, "README.md")  # looks at the name alone, and asks nobody
    except HFValidationError as error:
        raise PublishError(f"{repository!r} isn't a name for a repository: {_first(error)}") from None


def check_published(model: str) -> None:
    """Raises PublishError for what names no published model: NAME/repository@revision."""
    repository, _, revision = model.partition("@")
    if not revision:
        raise PublishError(
            f"{model!r} lacks its revision; write NAME/repository@revision, as publishing a model prints."
        )
    check_repository(repository)


def publish(files: dict[str, Path], repository: str, kind: str, message: str, *, private: bool = False) -> str:
    """Creates the repository when there is none, uploads `files` in one commit and returns its revision.

    `kind` is "model" or "space". What the hub holds already is not sent again, so a broken upload goes on when it is
    started once more. The token is the one of `huggingface_hub` (`HF_TOKEN` or `hf auth login`). Raises PublishError
    with what to do.
    """
    hub = HfApi()
    check_repository(repository)
    with _folder(files) as folder:
        try:
            hub.create_repo(
                repository,
                repo_type=kind,
                private=private,
                exist_ok=True,
                space_sdk="gradio" if kind == "space" else None,
            )
            if private and not hub.repo_info(repository, repo_type=kind).private:
                raise PublishError(f"{repository} exists and is public; make it private first, or leave --private out.")
            commit = hub.upload_folder(folder_path=folder, repo_id=repository, repo_type=kind, commit_message=message)
        except PublishError:
            raise
        except LocalTokenNotFoundError:
            raise PublishError("The hub needs a token: set HF_TOKEN or run `hf auth login`.") from None
        except HfHubHTTPError as error:
            if isinstance(error, RepositoryNotFoundError) or error.response.status_code in _DENIED:
                raise PublishError(
                    f"The hub doesn't let this token write to {repository}; check HF_TOKEN and its rights."
                ) from error
            raise PublishError(f"The hub refused {repository}: {_first(error)}") from error
        except Exception as error:  # the hub's HTTP library, and threads around it, have errors of their own
            raise PublishError(
                f"The upload to {repository} broke off ({_first(error)}). Start it again; what arrived stays."
            ) from error
    return commit.oid


@contextmanager
def _folder(files: dict[str, Path]) -> Iterator[Path]:
    """A folder that holds the files under their names in the hub."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in files.items():
            target = Path(scratch) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        yield Path(scratch)


def _first(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
