"""Every data set by name: where it is found, how its rows become text and label, and its licence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from training.labels import LABEL3, THREE, TWO, Scheme, Valence


@dataclass(frozen=True, slots=True)
class Corpus:
    """Where a data set is found and how its rows become `text` and `label3` (0 negative, 1 neutral, 2 positive).

    `scheme` says what its labels mean; without one it has none. `files` names the split's file in `folder` and, where
    there is a `hub` id, the split there; a set without a folder comes with the program. A set of `evaluation_only`
    never trains: its texts, like those of every test and validation split, are taken out of training mixtures. Texts of
    fewer than `min_words` words are left out. One with `moods` has no labels of its own but those that we had given to
    some rows of its training split (`training.moods`).
    """

    folder: str
    files: dict[str, str]
    scheme: Scheme | None
    licence: str
    hub: str | None = None
    config: str | None = None
    text: str = "text"
    evaluation_only: bool = False
    min_words: int = 0
    moods: bool = False

    def file(self, data: Path, split: str) -> Path:
        """Where the split's Parquet file lies in a folder of sets."""
        return data / self.folder / f"{self.files[split]}.parquet"

    def held_out(self) -> list[str]:
        """The splits that no training may see."""
        return [split for split in self.files if self.evaluation_only or split != "train"]


_SPLITS = {"train": "train", "validation": "validation", "test": "test"}
_TRAIN_TEST = {"train": "train", "test": "test"}
_IMDB = "research use, please cite Maas et al. 2011"
_SEMEVAL = "research; not to be redistributed"
_UNSTATED = "not stated; evaluation only"

_GAPS = replace(LABEL3, gaps=True)


def _measured(folder: str, **files: str) -> Corpus:
    """A set that never trains; not every text of it need have a label."""
    return Corpus(f"evaluate/{folder}", files, _GAPS, _UNSTATED, evaluation_only=True)


CORPORA: dict[str, Corpus] = {
    "imdb": Corpus("imdb", _TRAIN_TEST, replace(TWO, gaps=True), _IMDB, hub="stanfordnlp/imdb"),
    "imdb_unsupervised": Corpus("imdb", {"train": "unsupervised"}, None, _IMDB, hub="stanfordnlp/imdb"),
    "tweet_eval": Corpus(
        "tweet_eval", _SPLITS, THREE, "Twitter's terms apply", hub="cardiffnlp/tweet_eval", config="sentiment"
    ),
    "goemotions": Corpus("goemotions", _SPLITS, _GAPS, "CC BY 4.0"),
    "figure_eight": Corpus("figure_eight", _TRAIN_TEST, LABEL3, "CC BY 4.0"),
    "senti4sd": Corpus("senti4sd", _TRAIN_TEST, LABEL3, "MIT"),
    "amazon": Corpus("snippets", {"train": "amazonReviewSnippets"}, LABEL3, "MIT"),
    "movie": Corpus("snippets", {"train": "movieReviewSnippets"}, LABEL3, "MIT"),
    "nyt": Corpus("snippets", {"train": "nytEditorialSnippets"}, LABEL3, "MIT"),
    "conda": Corpus("conda", {"train": "train"}, _GAPS, "AFL-3.0"),
    "valence_tweets": Corpus("semeval18_valence", {"train": "train"}, LABEL3, _SEMEVAL),
    "emotion_tweets": Corpus("semeval18_emotions", {**_SPLITS, "validation": "dev"}, _GAPS, _SEMEVAL),
    "emoji_tweets": Corpus("tweeteval_emoji", _SPLITS, None, "Twitter's terms apply"),
    "tweeteval_emotion": Corpus("tweeteval_emotion", _SPLITS, LABEL3, "Twitter's terms apply"),
    "game_reviews": Corpus("steam_reviews", _TRAIN_TEST, LABEL3, "CC BY 4.0"),
    "product_reviews": Corpus("product_reviews", {"train": "all"}, _GAPS, "CC BY 4.0"),
    "pros_cons": Corpus("pros_cons", {"train": "all"}, LABEL3, "CC BY 4.0", min_words=3),
    "counterfactual_imdb": Corpus("cad_imdb", {**_SPLITS, "validation": "dev"}, LABEL3, "Apache-2.0"),
    "subtitles": Corpus("xed_en", {"train": "all"}, _GAPS, "CC BY 4.0"),
    "dialogue": Corpus("emorynlp", _SPLITS, _GAPS, "Apache-2.0"),
    "negation_templates": Corpus("checklist", {"train": "half_a", "test": "probe_half_b"}, _GAPS, "MIT"),
    "isarcasm": Corpus("isarcasm", {"train": "train_en", "test": "test_en"}, LABEL3, "MIT", moods=True),
    "game_chat": Corpus("conda", {"train": "train"}, LABEL3, "AFL-3.0", moods=True),
    "small_talk": Corpus("chitchat_byu", {"train": "all"}, LABEL3, "MIT", moods=True),
    "irc": Corpus("irc", {"train": "train"}, LABEL3, "CC BY 4.0", moods=True),
    "text_messages": Corpus("nus_sms", {"train": "all"}, LABEL3, "free for all communities to use", moods=True),
    "expressions": Corpus("", _SPLITS, LABEL3, "MIT"),
    "chat": Corpus("", _SPLITS, LABEL3, "MIT"),
    "languages": Corpus("", _SPLITS, LABEL3, "MIT"),
    "umsab": Corpus("multilingual/umsab", _SPLITS, LABEL3, "Apache-2.0; its sources have their own"),
    "foreign_subtitles": Corpus("multilingual/xed_multilingual", {"train": "all"}, _GAPS, "CC BY 4.0"),
    "frequent": Corpus("", {"train": "train"}, LABEL3, "as the sets that they are counted in"),
    "slang_list": Corpus("slang", {"train": "seed_49"}, LABEL3, "MIT"),
    "genz_terms": Corpus("slang", {"train": "genz_kaspercools"}, None, "MIT", text="meaning"),
    "genz_emojis": Corpus("slang", {"train": "genz_emojis_kaspercools"}, None, "MIT", text="meaning"),
    "film_slang": Corpus("slang", {"train": "opensub_slang_terms"}, None, "Apache-2.0", text="meaning"),
    "vader_lexicon": Corpus("lexicons", {"train": "vader_lexicon"}, Valence(4), "MIT", text="term"),
    "afinn": Corpus("lexicons", {"train": "afinn_165_emoticon8"}, Valence(5), "MIT", text="term"),
    "twitch": Corpus("evaluate", {"test": "twitch_2026"}, LABEL3, _UNSTATED, evaluation_only=True),
    "ss_youtube": Corpus("evaluate", {"test": "ss_youtube"}, LABEL3, _UNSTATED, evaluation_only=True),
    "sst2": Corpus(
        "evaluate", {"validation": "sst2_dev", "test": "sst2_test"}, LABEL3, _UNSTATED, evaluation_only=True
    ),
    "dota2_students": _measured("dota2_students", validation="dev", all="dev_with_generic"),
    "emocontext": _measured("emocontext", train="train", validation="valid", test="test"),
    "github": _measured("dev_github", validation="all"),
    "jira": _measured("dev_jira", validation="all"),
    "stack_overflow": _measured("dev_so", validation="all"),
    "airline": _measured("airline", validation="all"),
    "meld": _measured("meld", train="train", validation="validation", test="test"),
    "stockemotions": _measured("stockemotions", train="train", validation="val", test="test"),
    "sts_gold": _measured("sts_gold", validation="all"),
    "ss_twitter": _measured("ss_twitter", validation="all"),
    "phenomena": _measured("sentiment_not_solved", validation="all"),
    "sst_negation": _measured("sst_negation_crowd", validation="all"),
    "contrast_imdb": _measured("contrast_imdb", validation="dev", test="test"),
    "game_toxicity": _measured("gametox", validation="all"),
    "insults": _measured("kaggle_insults", validation="all"),
    "sarcasm_reddit": _measured("figlang_sarcasm_reddit", train="train", test="test"),
    "sarcasm_twitter": _measured("figlang_sarcasm_twitter", train="train", test="test"),
    "sarcasm_forum": _measured("scv1", validation="all"),
    "sarcasm_forum_2": _measured("scv2_gen", validation="all"),
    "field_cases": Corpus("evaluate", {"validation": "field_cases"}, None, _UNSTATED, evaluation_only=True),
    "twitch_es": _measured("twitch_es", test="base", extension="extension_2024"),
}

CHAT_SETS = {"small_talk": 0.26, "irc": 0.2, "conda": 0.16, "text_messages": 0.16, "emoji_tweets": 0.22}
"""Where the texts come from that only a teacher labels (`training.soft_labels`), and which share of them."""
