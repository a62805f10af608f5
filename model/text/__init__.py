"""What stands between a person's text and the network: words for signs, bounds on cost, and what cannot be read."""
