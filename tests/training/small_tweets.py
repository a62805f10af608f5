"""A set of tweets that is learned in a moment, in the folder layout of TweetEval."""

from pathlib import Path

from datasets import Dataset

MOODS = ("awful and sad", "on the table", "lovely and warm")


def write_tweets(folder: Path, count: int) -> Path:
    """So many tweets of each split, with the three moods in turn. Returns the folder."""
    (folder / "tweet_eval").mkdir()
    for split in ("train", "validation"):
        texts = [f"it is {MOODS[number % 3]} {split} {number}" for number in range(count)]
        rows = {"text": texts, "label": [number % 3 for number in range(count)]}
        Dataset.from_dict(rows).to_parquet(folder / "tweet_eval" / f"{split}.parquet")
    return folder
