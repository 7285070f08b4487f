"""Which storage the settings name."""

import os
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

from skipcall.settings import Settings, SettingsError
from skipcall.storage.bucket import Bucket
from skipcall.storage.folder import Folder
from skipcall.storage.model import Storage


def open_storage(read: Settings) -> Storage:
    """Return the storage of these settings; nothing is asked of it yet."""
    folder = folder_of(read)
    if folder is not None:
        return Folder(folder)
    parts = urlsplit(read.storage or "")
    return Bucket(
        parts.netloc,
        parts.path.strip("/"),
        endpoint=read.s3_endpoint,
        region=read.s3_region,
        key_id=read.s3_key_id,
        secret=read.s3_secret,
    )


def folder_of(read: Settings) -> Path | None:
    """Return the folder that these settings name, None for a bucket."""
    if read.storage is None:
        return read.data_directory / "recordings"
    parts = urlsplit(read.storage)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def check_folder(read: Settings) -> None:
    """Look whether the folder of the storage, if it is one, can be made and written to. Raises `SettingsError` if not."""
    folder = folder_of(read)
    if folder is None:
        return
    try:
        place = folder.absolute()
        while not os.path.lexists(place):
            place = place.parent
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as problem:
        name = "SKIPCALL_STORAGE" if read.storage else "SKIPCALL_DATA"
        raise SettingsError(f"{name}: nothing can be kept in {folder} ({problem.strerror})") from problem
