"""Archives that only the holder of a private key can read: age, by the library `pyrage`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ci_migrate.errors import BackupError, BackupToolError, ConfigError
from ci_migrate.redact import one_line

if TYPE_CHECKING:
    from types import ModuleType

SUFFIX = ".age"
"""Ends the name of an encrypted archive."""

_INSTALL = "Install it: `pip install 'ci-migrate[encryption]'`."
_RECIPIENTS = (
    "Name public keys: `age1…` (from `age-keygen`), `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`."
)
_IDENTITIES = (
    "Give the content of a file of `age-keygen`, lines of `AGE-SECRET-KEY-1…`,"
    " or an SSH private key without a passphrase."
)


class Reads(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


class Writes(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> int:
        """Take bytes and return how many."""


def parse_recipients(texts: Iterable[str]) -> list[Any]:
    """Return age's recipients (X25519 and SSH public keys).

    Raises ConfigError for what is none (a private key is not shown), BackupToolError without the library.
    """
    pyrage = _library()
    return [_parse_recipient(pyrage, text.strip()) for text in texts]


def parse_identities(text: str) -> list[Any]:
    """Return the private keys in a text: a file of `age-keygen` or an SSH private key.

    Raises BackupError when there is none; nothing of the text is shown.
    """
    pyrage = _library()
    if "-----BEGIN" in text:
        try:
            return [pyrage.ssh.Identity.from_buffer(text.strip().encode() + b"\n")]
        except pyrage.IdentityError as exc:
            raise BackupError("the SSH identity cannot be read", next_step=_IDENTITIES) from exc
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    try:
        found = [pyrage.x25519.Identity.from_str(key) for key in keys]
    except pyrage.IdentityError as exc:
        raise BackupError("an age identity cannot be read", next_step=_IDENTITIES) from exc
    if not found:
        raise BackupError("there is no age identity in what was given", next_step=_IDENTITIES)
    return found


def make_run_key() -> tuple[Any, str]:
    """Return a new private key, which is never written anywhere, and the recipient that belongs to it.

    An archive that is encrypted to it as well can be read again by the run that made it, and by no other.
    """
    identity = _library().x25519.Identity.generate()
    return identity, str(identity.to_public())


def encrypt(source: Reads, target: Writes, recipients: Sequence[Any]) -> None:
    """Encrypt all of `source` into `target`; errors of the two as they are."""
    pyrage = _library()
    with _Watched(source, target) as watched:
        pyrage.encrypt_io(watched, watched, recipients)


def decrypt(source: Reads, target: Writes, identities: Sequence[Any]) -> None:
    """Decrypt all of `source` into `target`.

    Raises BackupError when none of the identities fits or the archive was changed; errors of the two as they are.
    """
    pyrage = _library()
    try:
        with _Watched(source, target) as watched:
            pyrage.decrypt_io(watched, watched, identities)
    except _DecryptionError as exc:
        raise BackupError(
            f"the archive cannot be decrypted: {exc}",
            next_step="Give the identity of one of the recipients that the manifest names; with the right one,"
            " the archive is damaged: take another.",
        ) from exc


class _DecryptionError(Exception):
    """The library refused what it read."""


class _Watched:
    """Both ends of a stream; the library tells their errors as its own, as text: this remembers them."""

    def __init__(self, source: Reads, target: Writes) -> None:
        self._source = source
        self._target = target
        self._error: BaseException | None = None

    def __enter__(self) -> _Watched:
        return self

    def __exit__(self, _kind: object, exc: BaseException | None, _trace: object) -> None:
        if self._error is not None:
            raise self._error
        if isinstance(exc, Exception):
            raise _DecryptionError(one_line(str(exc))) from exc

    def read(self, size: int = -1, /) -> bytes:
        """Pass on bytes of the source."""
        try:
            return self._source.read(size)
        except BaseException as exc:
            self._error = exc
            raise

    def write(self, data: bytes, /) -> int:
        """Pass on bytes to the target."""
        try:
            return self._target.write(data)
        except BaseException as exc:
            self._error = exc
            raise

    def flush(self) -> None:
        """Do nothing: the target is flushed by who made it."""


def _parse_recipient(pyrage: ModuleType, text: str) -> Any:
    try:
        if text.startswith("age1"):
            return pyrage.x25519.Recipient.from_str(text)
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
    except pyrage.RecipientError as exc:
        reason = one_line(str(exc))
        raise ConfigError(
            f"backup.encrypt_to: {one_line(text, 24)} is not a recipient: {reason}",
            next_step=_RECIPIENTS,
        ) from exc
    is_private = "SECRET-KEY" in text.upper() or "PRIVATE" in text
    shown = "a private key" if is_private else one_line(text, 24)
    raise ConfigError(f"backup.encrypt_to: {shown} is not a recipient", next_step=_RECIPIENTS)


def _library() -> ModuleType:
    try:
        import pyrage
    except ImportError as exc:
        raise BackupToolError(
            "encrypted backups need the library `pyrage`, which is not installed",
            next_step=_INSTALL,
        ) from exc
    return pyrage  # type: ignore[no-any-return]
