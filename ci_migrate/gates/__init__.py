"""What must hold before a backup is taken, one file per gate."""
