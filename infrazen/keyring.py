"""Secrets of the embedded mode: made once, kept beside the database, readable by the owner only."""

import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet

SECRETS_FILE = "secrets.env"


def embedded_secrets(data: Path) -> Path:
    """Path of `data/secrets.env`, a `KEY=value` file with SECRET_KEY and FIELD_ENCRYPTION_KEYS.

    Made with mode 0600 where it is missing. Two processes that start together agree on one file:
    the link succeeds for exactly one of them. Raises OSError where the folder cannot be written.
    """
    path = data / SECRETS_FILE
    if path.exists():
        return path
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = f"SECRET_KEY={secrets.token_urlsafe(50)}\nFIELD_ENCRYPTION_KEYS={Fernet.generate_key().decode()}\n"
    handle, draft = tempfile.mkstemp(dir=data, prefix=".secrets-")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return path
    finally:
        Path(draft).unlink(missing_ok=True)
    return path
