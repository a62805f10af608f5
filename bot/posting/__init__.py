"""Where the bot writes without being asked, and what becomes of it when Discord refuses."""
