"""How right a model is, beside the peers a user would pick instead: the same texts, the same run."""
