"""What customers ask for."""

KINDS = ("quote", "return", "complaint")
