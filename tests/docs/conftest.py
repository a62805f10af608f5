import pytest

from tests.own_environment import isolate


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)
