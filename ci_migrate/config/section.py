"""What every mapping of `ci-migrate.yml` with a fixed set of keys is."""

from msgspec import Struct


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of the file with a fixed set of keys."""

    def __repr__(self) -> str:
        # URLs can be anywhere below, with a password.
        return f"{type(self).__name__}(…)"
