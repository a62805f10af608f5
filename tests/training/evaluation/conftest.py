"""A folder with a few texts of two test splits."""

from pathlib import Path

import pytest
from datasets import Dataset

TWEETS = {
    "text": ["i love this so much", "this is horrible, i hate it", "the bus leaves at nine", "great \U0001f525"] * 5,
    "label": [2, 0, 1, 2] * 5,
}
REVIEWS = {"text": ["A wonderful film.", "A boring, stupid film."] * 4, "label": [1, 0] * 4}


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    for name, rows in (("tweet_eval", TWEETS), ("imdb", REVIEWS)):
        (folder / name).mkdir()
        Dataset.from_dict(rows).to_parquet(folder / name / "test.parquet")
    return folder
