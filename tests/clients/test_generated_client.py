"""A client that openapi-generator makes from a document, knowing nothing of this server but its base URL.

Run by `python3 run.py test --clients`; the generator needs Java.
"""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.make import Team, phone_number

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "tests" / "contract" / "skipcall.yaml"
OURS = ROOT / "openapi.json"


def generate(document: Path, name: str, directory: Path) -> ModuleType:
    """Generate a Python client as package `name` and import it."""
    generator = Path(sys.executable).parent / "openapi-generator-cli"
    command = [str(generator), "generate", "-i", str(document), "-g", "python", "-o", str(directory)]
    done = subprocess.run([*command, "--package-name", name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(directory))
    return importlib.import_module(name)


def contacts_api(package: ModuleType, team: Team) -> Any:
    configuration = package.Configuration(host=team.client.url, access_token=team.key.text)
    return package.ContactsApi(package.ApiClient(configuration))


@pytest.fixture(scope="module")
def contract_client(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return generate(CONTRACT, "contract_client", tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def our_client(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return generate(OURS, "our_client", tmp_path_factory.mktemp("ours"))


def test_client_of_the_contract_updates_a_contact(contract_client: ModuleType, team: Team) -> None:
    """The contract calls e-mail and the like objects, so such a client can only read contacts where they are null."""
    team.field("Industry")
    path = team.contact()
    patch = contract_client.PublicUpdateContactDto(
        firstName="Zoë",
        lastName="Lefèvre",
        allowPhoneCalls=False,
        phoneNumbers=[phone_number(1), phone_number(2)],
        customFields={"industry": "Food"},
    )
    contact = contacts_api(contract_client, team).contact_controller_update(path.rpartition("/")[2], patch)
    assert (contact.first_name, contact.last_name) == ("Zoë", "Lefèvre")
    assert contact.allow_phone_calls is False
    assert contact.phone_numbers == [phone_number(1), phone_number(2)]
    assert contact.custom_fields == {"Industry": "Food"}
    assert contact.last_modification_source == "API"
    assert str(contact.team_id) == str(team.workspace_id)


def test_client_of_the_contract_sets_every_property(contract_client: ModuleType, team: Team) -> None:
    path = team.contact()
    values = {
        "firstName": "Ana",
        "lastName": "Lopez",
        "email": "ana@example.com",
        "company": "Atelier Nord",
        "city": "Lille",
        "country": "France",
        "url": "https://example.com",
        "linkedinUrl": "https://www.linkedin.com/in/ana",
        "linkedinSalesUrl": "https://www.linkedin.com/sales/lead/ana",
        "role": "CTO",
        "allowPhoneCalls": True,
        "phoneNumbers": [phone_number(3)],
    }
    patch = contract_client.PublicUpdateContactDto.from_dict(values)
    api = contacts_api(contract_client, team)
    answer = api.contact_controller_update_without_preload_content(path.rpartition("/")[2], patch)
    assert answer.status == 200
    assert team.client.get(path).items() >= values.items()


def test_client_of_the_contract_reads_refusals(contract_client: ModuleType, team: Team) -> None:
    api = contacts_api(contract_client, team)
    patch = contract_client.PublicUpdateContactDto(phoneNumbers=["0612"])
    with pytest.raises(contract_client.exceptions.BadRequestException):
        api.contact_controller_update(team.contact().rpartition("/")[2], patch)
    with pytest.raises(contract_client.exceptions.NotFoundException):
        api.contact_controller_update("unknown", contract_client.PublicUpdateContactDto(role="CTO"))
    stranger = contract_client.ApiClient(contract_client.Configuration(host=team.client.url, access_token="no key"))
    with pytest.raises(contract_client.exceptions.UnauthorizedException) as refused:
        contract_client.ContactsApi(stranger).contact_controller_update("unknown", patch)
    assert refused.value.data.error.code == "UNAUTHORIZED"


def test_client_of_our_document(our_client: ModuleType, team: Team) -> None:
    api = contacts_api(our_client, team)
    created = api.contact_controller_create(
        our_client.PublicCreateContactDto(
            firstName="Ana", lastName="Lopez", email="ana@example.com", phoneNumbers=[phone_number(4)]
        )
    )
    updated = api.contact_controller_update(created.id, our_client.PublicUpdateContactDto(role="CTO"))
    assert (updated.email, updated.role) == ("ana@example.com", "CTO")
    page = api.contact_controller_list(size=1)
    assert [one.id for one in page.data] == [created.id]
    assert page.meta.total == 1
    api.contact_controller_delete(created.id)
    with pytest.raises(our_client.exceptions.NotFoundException):
        api.contact_controller_get(created.id)


def test_client_of_our_document_reads_calls(our_client: ModuleType, team: Team) -> None:
    values = {
        "type": "outbound",
        "status": "completed",
        "startedAt": "2026-03-02T09:41:07Z",
        "phoneNumber": phone_number(5),
    }
    created = team.client.post("/v1/calls", values)
    configuration = our_client.Configuration(host=team.client.url, access_token=team.key.text)
    api = our_client.CallsApi(our_client.ApiClient(configuration))
    page = api.call_controller_list(type="outbound", size=1)
    assert [one.id for one in page.data] == [created["id"]]
    call = api.call_controller_get(created["id"])
    assert (call.status, call.phone_number.value) == ("completed", phone_number(5))
