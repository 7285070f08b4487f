"""What the guide says of backups: its commands, run as printed, from one data directory to another."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cli.process import COMMAND, Serve, environment

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "running.md"
ROW = re.compile(r"^\$ (.*)$", re.MULTILINE)


def run_as_printed(fence: str, data: Path, place: Path) -> None:
    script = "\n".join(["set -euo pipefail", *ROW.findall(fence)])
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment(SKIPCALL_DATA=str(data), PATH=f"{place / 'bin'}:{os.environ['PATH']}"),
        cwd=place,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "ERROR" not in done.stderr


def test_a_dump_is_restored_as_the_guide_says(place: Path, tmp_path: Path) -> None:
    section = PAGE.read_text("utf-8").partition("\n## Backups\n")[2].partition("\n## ")[0]
    dump, restore, *_ = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "skipcall"
    program.write_text("#!/bin/sh\n" + " ".join(["exec", *COMMAND, '"$@"']) + "\n")
    program.chmod(0o755)
    old, new = place / "dumped", place / "restored"
    with Serve(old, "--demo") as serve, serve.client() as client:
        key = serve.ready["liveKey"]
        number = {"phoneNumber": "+33639980142", "reason": "OPPOSITION"}
        assert client.post("/v1/do-not-call", json=number).status_code == 201
        before = client.get("/v1/contacts?size=500").json()
        run_as_printed(dump, old, tmp_path)
    new.mkdir(mode=0o700)
    shutil.copy(old / "secret", new / "secret")
    with Serve(new):
        run_as_printed(restore, new, tmp_path)
    with Serve(new) as restored, restored.client(key) as client:
        assert client.get("/v1/contacts?size=500").json() == before
        checked = client.post("/v1/do-not-call/check", json={"phoneNumbers": ["06 39 98 01 42"]}).json()
        assert checked["data"][0]["reasons"] == ["DO_NOT_CALL"]
        made = client.post("/v1/contacts", json={"firstName": "A", "lastName": "B", "phoneNumbers": ["+33639980143"]})
        assert made.status_code == 201
