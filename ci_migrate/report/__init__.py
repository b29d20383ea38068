"""What people and machines are told, one file per reporter."""
