"""How long the process may take to end when it is told to."""

from __future__ import annotations

CLOSING_SECONDS = 3.9
"""What all of the process has to end orderly."""
