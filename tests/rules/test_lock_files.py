"""The lock files name no place to download from, check what they get by its hash, and follow pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK_FILES = ["requirements.lock", "requirements-dev.lock", "requirements-clients.lock"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
REFRESH = "Run: python3 run.py lock"


def entries(lock_file: str) -> list[str]:
    """One text per requirement, its hashes included."""
    return (ROOT / lock_file).read_text().replace("\\\n", " ").splitlines()


def versions(lock_file: str) -> dict[str, str]:
    requirements = [Requirement(entry.split(" --hash=")[0]) for entry in entries(lock_file)]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in requirements}


def test_each_lock_file_is_listed_here() -> None:
    assert sorted(path.name for path in ROOT.glob("*.lock") if not path.name.startswith(".")) == sorted(LOCK_FILES)


@pytest.mark.parametrize("lock_file", LOCK_FILES)
def test_no_address_and_no_index(lock_file: str) -> None:
    text = (ROOT / lock_file).read_text()
    found = re.findall(r".*(?:://|\bindex\b|index-url|find-links|^\s*-|#).*", text)
    assert found == [], f"an address, an option or a comment in {lock_file}. {REFRESH}"


@pytest.mark.parametrize("lock_file", LOCK_FILES)
def test_each_requirement_is_one_version_with_hashes(lock_file: str) -> None:
    shape = re.compile(r"[a-z0-9-]+==[0-9a-z.]+( ; [^;]+?)?( +--hash=sha256:[0-9a-f]{64})+")
    faulty = [entry for entry in entries(lock_file) if not shape.fullmatch(entry)]
    assert faulty == [], f"not `name==version --hash=...` in {lock_file}. {REFRESH}"


@pytest.mark.parametrize(
    ("lock_file", "declared"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"]),
        ("requirements-dev.lock", PROJECT["project"]["dependencies"] + GROUPS["dev"]),
        ("requirements-clients.lock", GROUPS["clients"]),
    ],
)
def test_lock_file_follows_pyproject(lock_file: str, declared: list[str]) -> None:
    locked = versions(lock_file)
    wanted = {canonicalize_name(Requirement(line).name): Requirement(line).specifier for line in declared}
    stale = [name for name, allowed in wanted.items() if name not in locked or locked[name] not in allowed]
    assert stale == [], f"{lock_file} does not follow pyproject.toml. {REFRESH}"


def test_lock_files_agree() -> None:
    runtime, development = versions("requirements.lock"), versions("requirements-dev.lock")
    differing = {name: version for name, version in runtime.items() if development.get(name) != version}
    assert differing == {}, f"requirements-dev.lock lacks these. {REFRESH}"
