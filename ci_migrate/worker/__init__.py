"""The child process that loads the project and runs its env.py."""
