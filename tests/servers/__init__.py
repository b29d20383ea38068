"""Real servers for the tests: private, on this machine, gone when the tests end."""
