"""Text in, verdict out: cleaning, tokenising, backends, the inference worker and the bundled weights."""

from model.checkpoint import BUNDLED, Checkpoint, open_checkpoint
from model.classifier import Classifier, ModelInfo
from model.cleaning import clean
from model.engine import Engine, load_engine
from model.errors import (
    BackendUnavailable,
    CheckpointError,
    CheckpointNotFound,
    ClassifierClosed,
    HashMismatch,
    InferenceFailed,
    MissingLabels,
    ModelError,
    NothingToRead,
    Overloaded,
    TextTooLong,
    UnsafeCheckpoint,
)
from model.explain import Explanation, Influence
from model.verdict import SENTIMENTS, Sentiment, Verdict
from model.worker import Priority, Stats

__all__ = [
    "BUNDLED",
    "SENTIMENTS",
    "BackendUnavailable",
    "Checkpoint",
    "CheckpointError",
    "CheckpointNotFound",
    "Classifier",
    "ClassifierClosed",
    "Engine",
    "Explanation",
    "HashMismatch",
    "InferenceFailed",
    "Influence",
    "MissingLabels",
    "ModelError",
    "ModelInfo",
    "NothingToRead",
    "Overloaded",
    "Priority",
    "Sentiment",
    "Stats",
    "TextTooLong",
    "UnsafeCheckpoint",
    "Verdict",
    "clean",
    "load_engine",
    "open_checkpoint",
]
