"""`/mood`: the mood of channels, as a chart, in words and as a file."""
