"""The Space's folder, as the hub would have it: its own files and the program, and nothing else of this repository."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.pages.browser import CHROMIUM, chromium
from tests.pages.web import open_web, read_one, running_web
from training.publish import space_files

ROOT = Path(__file__).parents[2]
SPACE = ROOT / "training" / "space"


@pytest.fixture
def space(tmp_path):
    for name, path in space_files(SPACE).items():
        (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, tmp_path / "space" / name)
    return tmp_path / "space"


def test_its_requirements_are_those_of_the_program():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    known = {*project["dependencies"], *project["optional-dependencies"]["web"]}
    assert set((SPACE / "requirements.txt").read_text("utf-8").split("\n")) - {""} <= known


def test_its_gradio_is_the_one_that_is_tested():
    (pinned,) = re.findall(r"^gradio==(.+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert f"sdk_version: {pinned}\n" in (SPACE / "README.md").read_text("utf-8")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here (apt-get install chromium)")
async def test_it_starts_from_its_folder_alone_and_says_which_model_answers(space, monkeypatch):
    (space / "MODEL").write_text("owner/nothing@1a2b3c4\n", "utf-8")
    monkeypatch.chdir(space)
    alone = {"PYTHONPATH": "", "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(space / "home")}
    alone["GRADIO_SERVER_PORT"] = "0"
    async with running_web(command=[str(space / "app.py")], **alone) as (_process, address), chromium() as browser:
        page = await open_web(browser, address)
        said = await page.get_by_role("note").inner_text()
        assert said == (
            "I couldn't get owner/nothing@1a2b3c4 (the hub can't be reached); the bundled model is running instead."
        )
        await read_one(page, "i love this")
        await page.locator("#vc-answer h2", has_text="Positive").wait_for()
