"""What is installed: the distribution, its version, and how the parts that it comes without are added."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from model.checkpoints.checkpoint import BUNDLED, open_checkpoint

DISTRIBUTION = "vibecheck-bot"
"""Its name on PyPI, where `vibecheck`, as the command is called, is somebody else's."""


def installed_version() -> str:
    """The version that pyproject.toml gave to what is installed; a Space runs from its folder, and has none."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "an uninstalled copy"


def version_line() -> str:
    """What `--version` prints. Raises a CheckpointError when the bundled model is not whole."""
    return f"vibecheck {installed_version()}, bundled model {open_checkpoint(BUNDLED).version}"


def needs_extra(what: str, extra: str) -> str:
    """The sentence for whoever wants `what`, which comes with that extra.

    The name serves a checkout as well: pip finds the editable distribution there, and adds what the extra names.
    """
    return f'{what} needs the extra "{extra}": pip install "{DISTRIBUTION}[{extra}]".'
