"""Text in, verdict out: cleaning, tokenising, backends, the inference worker and the bundled weights."""

import os
import sys

# ONNX Runtime sends figures of its use to its maker from 1.32 on, and keeps a file of them in the home folder, unless
# this is set before it is imported. Nothing that runs here calls home.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# OpenVINO does so at each import, and keeps a number for its user in the home folder, unless this part of it cannot be
# imported; then it has an empty one in its place.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

from model.acceptance import Comparison, GoldenFailure
from model.backends.engine import Engine, load_engine
from model.checkpoints.checkpoint import BUNDLED, Checkpoint, Missed, open_checkpoint
from model.classifier import Classifier
from model.errors import (
    BackendUnavailable,
    CheckpointError,
    CheckpointNotFound,
    ClassifierClosed,
    DeadlinePassed,
    HashMismatch,
    HubUnreachable,
    InferenceFailed,
    MissingLabels,
    ModelError,
    NothingToRead,
    Overloaded,
    ReloadRefused,
    TextTooLong,
    Unreadable,
    UnsafeCheckpoint,
)
from model.explain import Explanation, Influence
from model.fallback import open_or_fall_back
from model.model_manager import ModelInfo, Reloaded
from model.scheduling.request import Priority
from model.scheduling.shadow import ShadowReport
from model.scheduling.stats import Health, Stats
from model.text.cleaning import clean
from model.verdict import SENTIMENTS, Sentiment, Verdict

__all__ = [
    "BUNDLED",
    "SENTIMENTS",
    "BackendUnavailable",
    "Checkpoint",
    "CheckpointError",
    "CheckpointNotFound",
    "Classifier",
    "ClassifierClosed",
    "Comparison",
    "DeadlinePassed",
    "Engine",
    "Explanation",
    "GoldenFailure",
    "HashMismatch",
    "Health",
    "HubUnreachable",
    "InferenceFailed",
    "Influence",
    "Missed",
    "MissingLabels",
    "ModelError",
    "ModelInfo",
    "NothingToRead",
    "Overloaded",
    "Priority",
    "ReloadRefused",
    "Reloaded",
    "Sentiment",
    "ShadowReport",
    "Stats",
    "TextTooLong",
    "Unreadable",
    "UnsafeCheckpoint",
    "Verdict",
    "clean",
    "load_engine",
    "open_checkpoint",
    "open_or_fall_back",
]
