"""Encrypts park secrets at rest with AES-256-GCM under the master key, bound to their park."""

from __future__ import annotations

import base64
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vipgate.errors import UsageError
from vipgate.support.private_files import FILE_MODE, make_folder

KEY_BYTES: Final = 32
MASTER_KEY_CHARS_MIN: Final = 32
SECRET_BYTES: Final = 24

_FORM = b"\x01"
_NONCE_BYTES = 12
_KEY_FILE_BYTES_MAX = 4096


class Vault:
    """Encrypts and decrypts secrets under one master key."""

    def __init__(self, master_key: str) -> None:
        if len(master_key) < MASTER_KEY_CHARS_MIN:
            raise UsageError(
                f"The master key has {len(master_key)} characters, {MASTER_KEY_CHARS_MIN} or more wanted; "
                "make one with: openssl rand -base64 32"
            )
        self._cipher = AESGCM(sha256(master_key.encode()).digest())

    def seal(self, secret: str, park_uuid: str) -> bytes:
        """Encrypts `secret` for the store."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORM + nonce + self._cipher.encrypt(nonce, secret.encode(), park_uuid.encode())

    def open(self, sealed: bytes, park_uuid: str) -> str:
        """Decrypts `sealed`. Raises UsageError where it belongs to another key or another park."""
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _FORM:
                raise InvalidTag
            return self._cipher.decrypt(nonce, ciphertext, park_uuid.encode()).decode()
        except (InvalidTag, ValueError):
            raise UsageError(
                f"The secret of park {park_uuid} was sealed under another master key; "
                "give the key it was sealed with as VIPGATE_MASTER_KEY or put its master.key back"
            ) from None


def make_secret() -> str:
    """Makes a new secret of letters, digits, `-` and `_`, which are safe in every client's string handling."""
    return secrets.token_urlsafe(SECRET_BYTES)


def load_vault(master_key: str | None, key_file: Path) -> Vault:
    """Loads the vault with `master_key`, else with `key_file`, which is created with mode 0600 if missing. Raises UsageError."""
    if master_key is not None:
        return Vault(master_key.strip())
    try:
        return Vault(_read_key(key_file))
    except FileNotFoundError:
        return Vault(_make_key(key_file))
    except OSError as error:
        raise UsageError(f"Cannot read the key file {key_file}: {error.strerror}; fix its owner and mode") from None


def _read_key(key_file: Path) -> str:
    with key_file.open(encoding="ascii", errors="replace") as file:
        if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
            raise UsageError(f"Others may read the key file {key_file}; run: chmod 600 {key_file}")
        return file.read(_KEY_FILE_BYTES_MAX).strip()


def _make_key(key_file: Path) -> str:
    """Creates the key file atomically: of two processes that start at once, both use the key of the first."""
    key = base64.b64encode(os.urandom(KEY_BYTES)).decode()
    draft = key_file.with_name(f".{key_file.name}.{secrets.token_hex(8)}")
    try:
        make_folder(key_file.parent)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.write(key + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, key_file)
        except FileExistsError:
            return _read_key(key_file)
        finally:
            draft.unlink()
    except OSError as error:
        raise UsageError(f"Cannot make the key file {key_file}: {error.strerror}; set VIPGATE_MASTER_KEY") from None
    return key
