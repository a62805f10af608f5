"""The page's About panel: what answers, how good it is, what it cannot do, and under which licence."""

from __future__ import annotations

from bot.presentation.language_words import languages_of, named_all
from bot.settings import Settings
from bot.web.templating import render
from bot.web.verdict_html import model_view
from model import ModelInfo
from model.installation import installed_version

LIMITS = (
    "English only. Answers in other languages mean little.",
    "It mostly misses irony without a marker, inside jokes and copypasta.",
    "Slang moves on: it takes a word newer than its training data literally.",
    "It rates texts, not people. Don't let it moderate without a human, and don't judge anyone by it.",
)
"""As in docs/model-card.md, which a test holds them to; the first is of a model for English alone."""

PRIVACY = (
    "Nothing you type or upload is stored or logged. It's read in memory and forgotten with the answer. The page "
    "asks no other machine for anything."
)

PRIVACY_ELSEWHERE = (
    "Nothing you type or upload is stored or logged. It's sent to another machine that the operator has chosen, read "
    "in memory there, and forgotten with the answer."
)

LICENCE = (
    "The program has the MIT licence. The bundled weights start from MiniLM (Apache-2.0) and were trained on IMDB "
    "reviews, tweets, forum and chat texts, which have their own licences."
)


def about_panel(info: ModelInfo, settings: Settings) -> str:
    """The panel as HTML."""
    facts = {
        "Reads": f"{named_all(languages_of(info))} chat and reviews, at most 512 tokens at a time; longer texts in "
        "overlapping windows",
        "Model": f"DistilBERT, {', '.join(info.labels)}; run by {info.backend} on {info.device}",
        "Version": f"{info.version} of the model, {installed_version()} of Vibecheck",
        **{name.replace("_", " "): f"{value:.1%}" for name, value in info.metrics.items()},
    }
    links = {"Source": settings.source_url, "Support": settings.support_url, "Privacy": settings.privacy_url}
    return render(
        "about",
        model=model_view(info),
        facts=facts,
        limits=LIMITS[1:] if info.languages else LIMITS,
        privacy=PRIVACY_ELSEWHERE if settings.scores_elsewhere else PRIVACY,
        licence=LICENCE,
        links={name: url for name, url in links.items() if url},
    )
