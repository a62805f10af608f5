"""The two training phases, evaluation and export of the sentiment model."""
