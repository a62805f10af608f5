"""Counts the short messages that people send most, in the unlabelled chat of a folder of local data.

`python -m training.frequent_messages --data FOLDER` writes `chat/frequent.csv` anew, which the gate of an export reads.
What two blind readers said of a message (`labels`, and `label` where they agree) stays with it.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from model.text.cleaning import clean
from training.stored import read_parquet

SETS = {
    "chitchat_byu": ("all", "generic"),
    "conda": ("train", "generic_train"),
    "irc": ("train", "channel_two", "new_domains"),
    "nus_sms": ("all",),
}
MOST_WORDS = 3
KEPT = 1000
FILE = Path(__file__).parent / "chat" / "frequent.csv"


def frequent(data: Path) -> list[str]:
    """The messages of one to three words with the largest share of their sets, most frequent first, as people wrote.

    What only one set has is left out as long as there are enough others: it may be a name. Raises DataError.
    """
    shares: Counter[str] = Counter()
    sets: Counter[str] = Counter()
    spellings: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, splits in SETS.items():
        counts: Counter[str] = Counter()
        for split in splits:
            for text in read_parquet(data / name / f"{split}.parquet")["text"][:]:
                found = clean(text).casefold() if text and len(text.split()) <= MOST_WORDS else ""
                if _counts(found):
                    counts[found] += 1
                    spellings[found][" ".join(text.split())] += 1
        total = counts.total()
        for message, count in counts.items():
            shares[message] += count / total  # type: ignore[assignment]
            sets[message] += count > 1
    ordered = [message for message, _ in shares.most_common()]
    ordered.sort(key=lambda message: sets[message] < 2)
    return [spellings[message].most_common(1)[0][0] for message in ordered[:KEPT]]


def _counts(message: str) -> bool:
    """Whether it is something that a person says; sets write <#> and the like in the place of numbers and names."""
    strange = "http" in message or "@user" in message or "<" in message
    says = any(char.isalnum() for char in message) or set(message) <= set("?!")
    return 0 < len(message.split()) <= MOST_WORDS and says and not strange


def read_frequent() -> list[str]:
    """The messages of `FILE`, most frequent first."""
    return [row["text"] for row in read_frequent_rows()]


def read_frequent_rows() -> list[dict[str, str]]:
    """The rows of `FILE`, all columns as text; `label` is empty where two readers do not agree."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    """Writes `FILE`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    write_frequent(frequent(parser.parse_args().data))


def write_frequent(messages: Sequence[str]) -> None:
    """Writes `FILE`, each message with what its readers said of it so far."""
    known = {row["text"]: row for row in read_frequent_rows()}
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("text", "label", "labels"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(known.get(message, {"text": message, "label": "", "labels": ""}) for message in messages)


if __name__ == "__main__":
    main()
