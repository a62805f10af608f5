"""The composition root: start, signals, logging, one shutdown budget, and every switch that is process-wide."""
