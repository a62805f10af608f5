"""The store of the mood: real SQLite files, and a real PostgreSQL where it is installed."""
