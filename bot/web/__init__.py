"""The web page: the same model for whoever is not in Discord. Needs the extra `web`."""
