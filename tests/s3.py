"""A real S3 server (SeaweedFS) on loopback."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import httpx

BUCKET, KEY_ID, SECRET = "recordings", "test-key", "test-secret-of-a-local-server"
START_SECONDS = 30.0
_PORTS = ("master", "volume", "filer", "s3")


class S3Server:
    """One running server with one bucket. `url` is where it speaks S3, `files` where it shows what it really keeps."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        ports = _free_ports()
        self.url = f"http://127.0.0.1:{ports['s3']}"
        self.files = f"http://127.0.0.1:{ports['filer']}/buckets/{BUCKET}/"
        weed = Path(sys.executable).with_name("weed")
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    str(weed),
                    "mini",
                    f"-dir={folder}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    *(f"-{name}.port={port}" for name, port in ports.items()),
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                    "-webdav=false",
                    "-admin.ui=false",
                    f"-bucket={BUCKET}",
                ],
                env=os.environ | {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._wait(folder / "log")
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a server that keeps its recordings here, below a prefix."""
        return {
            "SKIPCALL_STORAGE": f"s3://{BUCKET}/of/tests",
            "SKIPCALL_S3_ENDPOINT": self.url,
            "SKIPCALL_S3_REGION": "us-east-1",
            "SKIPCALL_S3_KEY_ID": KEY_ID,
            "SKIPCALL_S3_SECRET": SECRET,
        }

    def unfinished_uploads(self) -> list[str]:
        """Return multipart uploads that were begun and neither completed nor aborted."""
        response = httpx.get(f"{self.files}.uploads/", headers={"accept": "application/json"})
        entries = response.json()["Entries"] if response.status_code == httpx.codes.OK else None
        return [entry["FullPath"] for entry in entries or []]

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                made = httpx.get(self.files, headers={"accept": "application/json"}).status_code
                signed = httpx.get(f"{self.url}/{BUCKET}").status_code
                if (made, signed) == (httpx.codes.OK, httpx.codes.FORBIDDEN):
                    return
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _free_ports() -> dict[str, int]:
    """Return free ports; each has its gRPC port 10,000 above it, which must be free too."""
    found: dict[str, int] = {}
    while len(found) < len(_PORTS):
        with socket.socket() as one, contextlib.suppress(OSError, OverflowError), socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1] - 20_000
            with socket.socket() as low:
                low.bind(("127.0.0.1", port))
                two.bind(("127.0.0.1", port + 10_000))
            if port not in found.values():
                found[_PORTS[len(found)]] = port
    return found
