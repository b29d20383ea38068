"""The runner's side of GitHub: events, workflow commands, files."""
