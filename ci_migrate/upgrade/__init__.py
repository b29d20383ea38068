"""What the worker is asked for and what it says, turned into values."""
