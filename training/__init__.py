"""The two training phases, evaluation and export of the sentiment model."""

import model  # noqa: F401  # first of all: it keeps ONNX Runtime from calling home
