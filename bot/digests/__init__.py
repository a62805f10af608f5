"""DigestJob: once a day or a week, what was notable."""
