"""Take the files of the viewer of `GET /docs` from a version of swagger-ui-dist on npm, and write that version down.

python3 run.py prepares .venv; then: .venv/bin/python tools/update_viewer.py 5.35.0
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VIEWER = Path(__file__).parents[1] / "src" / "skipcall" / "documents" / "viewer"
FILES = (
    "LICENSE",
    "NOTICE",
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
)
SOURCE_MAP = re.compile(rb"\s*/[/*]# sourceMappingURL=\S+\s*$")  # names a file that we do not serve


def main(version: str) -> None:
    """Fetch the package through npm, which checks it against the registry's digest, and copy what the page needs."""
    with tempfile.TemporaryDirectory() as directory:
        command = ["npm", "pack", f"swagger-ui-dist@{version}", "--pack-destination", directory]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(directory).glob("*.tgz")
        with tarfile.open(archive) as package:
            for name in FILES:
                member = package.extractfile(f"package/{name}")
                assert member is not None, name
                content = member.read()
                (VIEWER / name).write_bytes(
                    SOURCE_MAP.sub(b"\n", content) if name.endswith((".js", ".css")) else content
                )
    for page in (VIEWER / "README.md", Path(__file__)):
        text = page.read_text("utf-8")
        page.write_text(
            re.sub(r"(swagger-ui-dist\) |update_viewer\.py )\d+\.\d+\.\d+", rf"\g<1>{version}", text), "utf-8"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
