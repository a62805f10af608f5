"""The notebook, cell by cell, on a few sentences."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from model import open_checkpoint
from training.__main__ import main
from training.datasets_catalog import CORPORA
from training.recipe import RECIPES, read_recipe

NOTEBOOK = Path("training/train_model_colab.ipynb")


def read():
    """The notebook. Its library takes seconds to import: not in each worker that only collects the tests."""
    import nbformat

    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.mark.timeout(400)
def test_every_cell_runs_and_ends_in_an_artefact_that_the_bot_can_load(tmp_path, tiny_base, monkeypatch):
    monkeypatch.setenv("VIBECHECK_SMOKE", "1")
    monkeypatch.setenv("VIBECHECK_BASE", str(tiny_base))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    from nbclient import NotebookClient

    notebook = read()
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert len(open_checkpoint(str(tmp_path / "my-model")).labels) == 3
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "what time is the raid?" in printed
    assert "nothing was sent" in printed


def test_the_notebook_is_kept_without_outputs():
    notebook = read()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []


@pytest.mark.parametrize("name", ["slang-hub", "chat-hub"])
def test_its_recipes_for_the_hub_need_no_other_set(name):
    for source in read_recipe(RECIPES / f"{name}.toml").sources:
        name = source.name.partition(":")[0]
        assert name.endswith(".parquet") or name in {"expressions", "chat"} or CORPORA[name].hub


def test_the_guide_shows_the_very_steps_that_are_run():
    ran = CliRunner().invoke(main, ["all", "--data", "DIR", "--dry-run"])
    assert ran.exit_code == 0
    assert f"```\n{ran.output}```\n" in Path("docs/training.md").read_text("utf-8")
    assert ".venv/bin/vibecheck train all --data DIR" in Path("docs/training.md").read_text("utf-8")
