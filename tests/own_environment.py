"""No setting of this machine reaches a test, and no file of a test reaches this machine."""

from bot.settings import Settings


def isolate(monkeypatch, folder):
    """The working directory, and the account's folders for settings and data, are in `folder` for a test's time."""
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)
    monkeypatch.setenv("BACKEND", "onnxruntime")  # or each start tries what is installed, for seconds
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(folder / "account" / name.lower()))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # which a process that starts here sets
    monkeypatch.chdir(folder)
