"""A backup brought back: into its own database, or another one."""
