"""A tiny model for other languages, beside the tiny one for English."""

import json
import shutil

from model.checkpoints.checkpoint import MANIFEST, open_checkpoint
from tests.model.spoiling import seal

LANGUAGES = {"en": 1.0, "es": 2.5, "pt": 0.4, "fr": 1.5, "de": 1.5, "it": 1.5}

SPANISH = (
    "gracias",
    "muchas gracias amigo",
    "odio a todos ustedes de verdad",
    "qué partidazo",
    "te quiero mucho amigo",
)
ENGLISH = ("good map", "i hate this patch", "love the raid", "gg", "this is the best update so far, great raid")


def with_languages(source, target, languages=None):
    """A copy of an artefact, released for these languages, English with the temperature that it has."""
    shutil.copytree(source, target)
    manifest = json.loads((target / MANIFEST).read_text("utf-8"))
    said = LANGUAGES | {"en": manifest["temperature"]} if languages is None else languages
    (target / MANIFEST).write_text(json.dumps(manifest | {"languages": said}), "utf-8")
    seal(target)
    return open_checkpoint(str(target))


def add_golden(folder, engine, text, language):
    """A golden example in another language, as the model answers it."""
    file = folder / "golden.json"
    verdict = engine.answer(text, language)
    row = {
        "text": text,
        "sentiment": verdict.sentiment,
        "probabilities": verdict.probabilities,
        "language": language,
    }
    file.write_text(json.dumps([*json.loads(file.read_text("utf-8")), row]), "utf-8")
    seal(folder)
