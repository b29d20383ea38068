"""What every story that changes a database shares: its frame, its means, and its stages."""
