"""The page's About panel: what answers, how good it is, what it cannot do, and under which licence."""

from __future__ import annotations

from bot.settings import Settings
from bot.web.templating import render
from bot.web.verdict_html import model_view
from model import ModelInfo
from model.installation import installed_version

LIMITS = (
    "English only. Other languages get an answer that means little.",
    "Irony without a marker is read literally more often than not; so are inside jokes and copypasta.",
    "Slang moves on: a term younger than the training data is read by its plain sense.",
    "It judges texts, not people; it is not fit to moderate without a human, nor to judge anybody.",
)
"""As in docs/model-card.md, which a test holds them to."""

PRIVACY = (
    "Nothing you type or hand in is stored or logged: it is read in memory and forgotten with the answer. "
    "The page asks no other machine for anything."
)

LICENCE = (
    "The program is under the MIT licence. The bundled weights start from MiniLM (Apache-2.0) and were trained on "
    "IMDB reviews, tweets, forum and chat texts whose own licences apply to them."
)


def about_panel(info: ModelInfo, settings: Settings) -> str:
    """The panel as HTML."""
    facts = {
        "Reads": "English chat and reviews, at most 512 tokens at a time; longer texts in overlapping windows",
        "Model": f"DistilBERT, {', '.join(info.labels)}; run by {info.backend} on {info.device}",
        "Version": f"{info.version} of the model, {installed_version()} of Vibecheck",
        **{name.replace("_", " "): f"{value:.1%}" for name, value in info.metrics.items()},
    }
    links = {"Source": settings.source_url, "Support": settings.support_url, "Privacy": settings.privacy_url}
    return render(
        "about",
        model=model_view(info),
        facts=facts,
        limits=LIMITS,
        privacy=PRIVACY,
        licence=LICENCE,
        links={name: url for name, url in links.items() if url},
    )
