"""The notebook, cell by cell, on a few sentences."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from model import open_checkpoint
from training.datasets_catalog import CORPORA
from training.recipe import RECIPES, read_recipe

NOTEBOOK = Path("training/train_model_colab.ipynb")


@pytest.mark.timeout(400)
def test_every_cell_runs_and_ends_in_an_artefact_that_the_bot_can_load(tmp_path, tiny_base, monkeypatch):
    monkeypatch.setenv("VIBECHECK_SMOKE", "1")
    monkeypatch.setenv("VIBECHECK_BASE", str(tiny_base))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert len(open_checkpoint(str(tmp_path / "my-model")).labels) == 3
    printed = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))
    assert "what time is the raid?" in printed
    assert "nothing was sent" in printed


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count] == []


def test_its_recipe_for_the_hub_needs_no_other_set():
    recipe = read_recipe(RECIPES / "slang-hub.toml")
    for source in recipe.sources:
        name = source.name.partition(":")[0]
        assert name.endswith(".parquet") or name == "expressions" or CORPORA[name].hub
