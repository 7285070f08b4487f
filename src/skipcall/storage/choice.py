"""Which storage the settings name."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from skipcall.settings import Settings
from skipcall.storage.bucket import Bucket
from skipcall.storage.folder import Folder
from skipcall.storage.model import Storage


def open_storage(read: Settings) -> Storage:
    """Return the storage of these settings; nothing is asked of it yet."""
    if read.storage is None:
        return Folder(read.data_directory / "recordings")
    parts = urlsplit(read.storage)
    if parts.scheme == "file":
        return Folder(Path(unquote(parts.path)))
    return Bucket(
        parts.netloc,
        parts.path.strip("/"),
        endpoint=read.s3_endpoint,
        region=read.s3_region,
        key_id=read.s3_key_id,
        secret=read.s3_secret,
    )
