"""The static tier: revision files read as text, nothing of the user's imported."""
