"""What every test has: an environment of its own."""

import pytest

from bot.settings import Settings


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    """No setting of this machine reaches a test, and no file of a test reaches this machine."""
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
