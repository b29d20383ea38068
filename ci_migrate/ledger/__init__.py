"""What ran, and where: the record of an environment, kept in its database."""
