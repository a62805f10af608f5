"""The whole bot through hard days: faults from a seeded schedule, held against a plain model."""
