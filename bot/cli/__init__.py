"""The command line: `vibecheck` and `python -m bot`."""
