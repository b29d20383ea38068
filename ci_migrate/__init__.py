"""ci-migrate: bring a branch's database to the revisions of the branch, safely."""

__version__ = "0.1.0"
