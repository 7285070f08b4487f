"""The secret under which API keys are stored: a setting, or a file that is made once and never changed."""

import secrets

from skipcall.cli.output import CommandFailed
from skipcall.postgres.embedded import make_home
from skipcall.private_file import write_once
from skipcall.settings import SECRET_LENGTH_MIN, Settings

FILE_NAME = "secret"
_RANDOM_BYTES = 48


def find_secret(read: Settings) -> str | None:
    """Return the secret of the settings or of the data directory, or None if there is none yet.

    Raises `CommandFailed` for a file that holds none, and `OSError` for one that cannot be read.
    """
    if read.secret is not None:
        return read.secret
    path = read.data_directory / FILE_NAME
    try:
        secret = path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    if len(secret) < SECRET_LENGTH_MIN:
        raise CommandFailed(f"{path} holds no secret: put it back from a backup, or remove it to begin with a new one")
    return secret


def get_secret(read: Settings) -> str:
    """Return the secret, made on first use. Of two processes that make it at once, both get that of the first."""
    secret = find_secret(read)
    if secret is None:
        make_home(read.data_directory)
        write_once(read.data_directory / FILE_NAME, secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
        secret = find_secret(read)
        assert secret is not None
    return secret
