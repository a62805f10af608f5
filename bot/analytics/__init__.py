"""Pure functions of hours and baselines: no clock, no database, no Discord."""
