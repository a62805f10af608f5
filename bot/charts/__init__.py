"""Pictures of a mood, and the sentences beside them."""
