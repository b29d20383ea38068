"""The repository around the project, asked through the git program; nothing in it is changed."""
