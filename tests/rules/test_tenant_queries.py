"""Every statement about a tenant's table names the workspace or, for tables of accounts, the organization."""

import importlib
import pkgutil
import re

import pytest

import skipcall
from skipcall.postgres.db import Statement
from tools.write_schema import FILE

_TABLE = re.compile(r"CREATE TABLE public\.(\w+) \((.*?)\n\)", re.DOTALL)
TABLES = {
    name: set(re.findall(r"^    (\w+) ", columns, re.MULTILINE)) for name, columns in _TABLE.findall(FILE.read_text())
}
TENANT_TABLES = {name for name, columns in TABLES.items() if "workspace_id" in columns}

# Tables whose keys do not start with the workspace, and why that is right.
OTHER_KEYS: dict[str, str] = {
    "api_key_workspaces": "belongs to a key; its foreign keys hold both to one organization and mode",
    "telephony_sources": "the address that a provider calls names only the id of the source, as a key does; ids are random",
}

# What looks at a tenant's table without naming a workspace, and why that is right.
EXCEPTIONS: dict[str, str] = {
    "skipcall.telephony.queries.FORGET_REPORTS": "deletes what is old, whoever's it is",
    "skipcall.api_keys.queries._KEEP_SECRET_DIGEST": "asks whether anything at all was hashed",
    "skipcall.exports.queries.EXPIRE_EXPORTS": "ends what was kept long enough, whoever's it is",
    "skipcall.exports.queries.LIST_IDS_WITH_FILES": "the sweep compares the whole storage with all rows",
    "skipcall.imports.jobs._EXPIRE": "ends what waited too long, whoever's it is",
    "skipcall.imports.jobs._LIST_FILES_OF_ENDED": "removes what nobody needs any more, whoever's it is",
    "skipcall.imports.jobs.LIST_IDS_WITH_UPLOADS": "the sweep compares the whole storage with all rows",
    "skipcall.recordings.queries.LIST_OBJECT_KEYS": "the sweep compares the whole storage with all rows",
}


def statements() -> dict[str, str]:
    """Return every statement of the package by module and name."""
    found = {}
    for module in pkgutil.walk_packages(skipcall.__path__, "skipcall."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                found[f"{module.name}.{name}"] = value.text
    return found


STATEMENTS = statements()


def test_the_rule_sees_what_it_is_about() -> None:
    assert {"contacts", "custom_fields", "events", "workspace_memberships", "contact_counts", "calls"} <= TENANT_TABLES
    assert len(STATEMENTS) > 20
    assert set(EXCEPTIONS) <= set(STATEMENTS), "an exception for a statement that is not there"


@pytest.mark.parametrize("name", STATEMENTS)
def test_tenant_tables_are_asked_for_a_workspace(name: str) -> None:
    text = STATEMENTS[name]
    touched = {table for table in TENANT_TABLES if re.search(rf"\b(?:FROM|JOIN|INTO|UPDATE)\s+{table}\b", text)}
    if touched and name not in EXCEPTIONS:
        assert re.search(r"\bworkspace_id\b", text), f"{name} touches {touched}"
        assert re.search(r"workspace_id\s*=\s*(ANY\s*\()?\s*\$\d|workspace_ids|w\.id|\$\d|key\.|api_key_id", text), name


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
def test_a_tenant_tables_keys_start_with_the_workspace(table: str) -> None:
    """So that no unique constraint tells one workspace what another holds."""
    schema = FILE.read_text()
    keys = re.findall(
        rf"ALTER TABLE ONLY public\.{table}\n\s+ADD CONSTRAINT \w+ (?:PRIMARY KEY|UNIQUE) \((\w+)", schema
    )
    keys += re.findall(rf"CREATE UNIQUE INDEX \w+ ON public\.{table} USING \w+ \((\w+)", schema)
    assert keys
    if table not in OTHER_KEYS:
        assert set(keys) == {"workspace_id"}
