"""What an environment has executed, from its ledger, from the copies beside its backups, or from GitHub."""
