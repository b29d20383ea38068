"""Where the secrets of the shop are kept; none is in here."""

STORE = "vault"
