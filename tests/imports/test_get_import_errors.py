"""GET /v1/imports/{id}/errors."""

import pytest

from skipcall.imports import deciding, running
from tests.imports.conftest import IMPORTS, ZOE, Loader, csv_of
from tests.make import phone_number


def test_nothing_wrong(loader: Loader) -> None:
    response = loader.client.request("GET", f"{loader.asked()}/errors", status=200)
    assert response.content == b"line,column,code,reason,contacts\r\n"
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in response.headers["content-disposition"]


def test_a_full_name_of_one_word(loader: Loader) -> None:
    """The column is one that the file has, and it is told once what it lacks."""
    found = loader.done(csv_of(("Cher", "0639980001"), ("", "0639980002"), headings=("Full name", "Phone")))
    errors = loader.errors(found)
    assert [(one["line"], one["column"], one["code"]) for one in errors] == [(n, "Full name", "REQUIRED") for n in "23"]
    assert "two words" in errors[0]["reason"]


def test_a_value_that_another_contact_has(loader: Loader) -> None:
    loader.kept.team.field("Badge", is_unique=True)
    other = loader.kept.team.contact(custom_fields={"badge": "A"}, phone_numbers=[phone_number(9)])
    rows = [("A", "A", phone_number(1), "A"), ("B", "B", phone_number(2), "B"), ("C", "C", phone_number(3), "B")]
    found = loader.checked(csv_of(*rows, headings=("First Name", "Last Name", "Phone", "Badge")))
    held, repeated = loader.errors(found)
    for error in (held, repeated):
        assert (error["column"], error["code"], "suggestion" in error["reason"]) == (
            "Badge",
            "CUSTOM_VALUE_TAKEN",
            False,
        )
    assert (held["line"], held["contacts"]) == ("2", other.rpartition("/")[2])
    assert (repeated["line"], repeated["contacts"]) == ("4", "")


def test_many_errors_of_many_batches(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH_ROWS", 100)
    secret = "a-very-private-value"
    found = loader.done(csv_of(*(("A", "A", secret, f"063998{n:04}") for n in range(1000))), matchBy=["phoneNumbers"])
    errors = loader.errors(found)
    assert [int(one["line"]) for one in errors] == list(range(2, 1002))
    assert found["counts"]["errors"] == 1000
    path = f"{IMPORTS}/{found['id']}/errors"
    whole = loader.client.request("GET", path)
    assert secret not in whole.text, "no value is repeated"
    head = loader.client.request("HEAD", path, status=200)
    assert int(head.headers["content-length"]) == len(whole.content)


def test_only_so_many_are_kept(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "ERRORS_KEPT_MAX", 2)
    found = loader.done(csv_of(*[("A", "", "", "")] * 4))
    assert len(loader.errors(found)) == 2
    assert found["counts"]["errors"] > 4


def test_those_of_a_dry_run_are_followed_by_those_of_the_import(loader: Loader) -> None:
    found = loader.checked(csv_of(ZOE, ("A", "A", "nobody", "0639980002")))
    assert [one["code"] for one in loader.errors(found)] == ["INVALID_EMAIL"]
    body = {"digest": found["dryRun"]["digest"]}
    loader.client.post(f"{IMPORTS}/{found['id']}/confirm", body, 200)
    loader.kept.work()
    assert [one["code"] for one in loader.errors(found)] == ["INVALID_EMAIL"]


def test_a_heading_is_no_formula(loader: Loader) -> None:
    heading = '=HYPERLINK("http://x")'
    file = csv_of(("Zoé", "Roy", "12"), headings=("First Name", "Last Name", heading))
    found = loader.checked(file, mapping={heading: "phoneNumbers"})
    assert {one["column"] for one in loader.errors(found)} == {f"'{heading}"}


def test_a_country_may_be_in_small_letters(loader: Loader) -> None:
    found = loader.checked(csv_of(("Zoé", "Roy", "zoe@roy.example", "0475 12 34 56")), defaultCountry="be")
    assert found["dryRun"]["examples"][0]["changes"]["phoneNumbers"] == [None, ["+32475123456"]]
