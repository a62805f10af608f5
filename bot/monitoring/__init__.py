"""Which messages are read, and what happens to them: scored, tagged, corrected; and the times nothing could be read."""
