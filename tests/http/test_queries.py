"""The text of a query string is text: no word in it means that nothing was given."""

from urllib.parse import quote

import pytest

from tests.make import Team


@pytest.mark.parametrize("text", ["null", "NULL", "Null"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("status", "UNKNOWN_VALUE"),
        ("contactId", "INVALID_ID"),
        ("hasRecording", "WRONG_TYPE"),
        ("minDuration", "WRONG_TYPE"),
        ("startedAfter", "WRONG_TYPE"),
    ],
)
def test_null_is_a_value_like_any_other(team: Team, name: str, code: str, text: str) -> None:
    answer = team.client.request("GET", f"/v1/calls?{name}={text}")
    assert answer.status_code == 400
    assert [(one["pointer"], one["code"]) for one in answer.json()["error"]["details"]] == [(f"/query/{name}", code)]


def test_operations_without_parameters_ignore_none_silently(team: Team) -> None:
    answer = team.client.request("GET", "/v1/me?foo=1", status=200)
    assert answer.headers["x-ignored-parameters"] == "foo"
    strict = {"Prefer": "handling=strict"}
    [told] = team.client.request("GET", "/v1/me?foo=1", status=400, headers=strict).json()["error"]["details"]
    assert (told["pointer"], told["code"]) == ("/query/foo", "UNKNOWN_FIELD")


def test_null_is_told_with_every_other_fault(team: Team) -> None:
    answer = team.client.request("GET", f"/v1/calls?status=null&size=0&region={quote('??')}")
    details = answer.json()["error"]["details"]
    assert {one["pointer"] for one in details} == {"/query/status", "/query/size", "/query/region"}


def test_null_is_a_text_where_any_text_may_stand(team: Team) -> None:
    assert team.client.get("/v1/calls?externalId=null")["meta"]["total"] == 0
