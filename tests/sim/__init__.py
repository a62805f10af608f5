"""Growth, tried out: a simulated day at 100,000 servers, and real processes under a crowd's load."""
