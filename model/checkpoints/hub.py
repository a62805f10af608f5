"""Models of the Hugging Face hub: fetched at a revision, and what of them is on disk already."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from model.checkpoints.files import MOST_BYTES
from model.errors import CheckpointError, CheckpointNotFound, HubUnreachable

HUB_ID = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_PASSING = (408, 425, 429)
"""Answers below 500 that say "later", not "no"."""

_NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


def fetch(
    source: str, repository: str, revision: str | None, first: Sequence[str], more: Callable[[Path], Sequence[str]]
) -> Path:
    """The folder of a repository at a revision, on this machine's disk afterwards.

    Only the files `first` are fetched, and those that `more` then names, looking at the folder with these.

    A commit that is there already is not asked for again: it cannot have changed. Raises HubUnreachable when another
    time might do, and CheckpointNotFound when it would not.
    """
    if revision is None:
        raise CheckpointNotFound(
            f'"{source}" isn\'t a folder here, and a hub id needs a revision, as in {repository}@1a2b3c4, so that '
            "the model can't change under you."
        )
    from huggingface_hub import HfApi, snapshot_download

    try:
        commit = commit_on_disk(repository, revision) or HfApi().model_info(repository, revision=revision).sha
        folder = Path(snapshot_download(repository, revision=commit, allow_patterns=list(first)))
        wanted = [*first, *more(folder)]
        if not all((folder / name).exists() for name in wanted):
            _check_size(source, repository, commit, wanted)
        return Path(snapshot_download(repository, revision=commit, allow_patterns=wanted))
    except CheckpointError:  # of a manifest that names no files
        raise
    except Exception as error:  # the hub's HTTP library, and threads around it, have errors of their own
        raise _explained(source, error) from error


def _check_size(source: str, repository: str, commit: str | None, names: Sequence[str]) -> None:
    """Before it is fetched: afterwards the disk would be full. Raises CheckpointError.

    A hub that cannot say it now gives no files either, and what is on the disk has its size already.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    try:
        files = list(HfApi().list_repo_tree(repository, revision=commit))
    except Exception:
        return
    size = sum(file.size for file in files if isinstance(file, RepoFile) and file.path in names)
    if size > MOST_BYTES:
        raise CheckpointError(f"{source} has {size:,} bytes, and no model of more than {MOST_BYTES:,} is fetched.")


def commits_on_disk(repository: str) -> list[str]:
    """The commits of a repository that were fetched once, wholly or in part; the newest on this disk comes first."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    kept = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model") / "snapshots"
    if not kept.is_dir():
        return []
    newest_first = sorted(kept.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [folder.name for folder in newest_first]


def commit_on_disk(repository: str, revision: str) -> str | None:
    """The commit that `revision` names, whole or by its beginning, if it is on disk."""
    if not _COMMIT.fullmatch(revision):
        return None
    return next((commit for commit in commits_on_disk(repository) if commit.startswith(revision)), None)


def _explained(source: str, error: Exception) -> CheckpointError:
    for cause in _causes(error):
        response = getattr(cause, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int):
            if 400 <= status < 500 and status not in _PASSING:
                return CheckpointNotFound(f"I couldn't fetch {source} from the hub: {_first_line(cause)}")
            return HubUnreachable(source, f"the hub answers with {status}")
        if isinstance(cause, OSError) and cause.errno in _NO_PLACE:
            return CheckpointError(f"I can't keep {source} on this disk: {cause.strerror}.")
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled

    if isinstance(error, HFValidationError):
        return CheckpointNotFound(f"I couldn't fetch {source} from the hub: {_first_line(error)}")
    if any(isinstance(cause, OfflineModeIsEnabled) for cause in _causes(error)):
        return HubUnreachable(source, "HF_HUB_OFFLINE says not to ask the hub")
    return HubUnreachable(source, "the hub can't be reached")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
