"""Seeded fuzzing: a small budget in the suite, a large one by `python -m tests.fuzz`."""
