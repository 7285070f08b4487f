"""GET /v1/contacts/{id}/consents."""

from tests.make import Team


def test_newest_first_page_by_page_also_of_a_deleted_contact(team: Team) -> None:
    path = team.contact()
    made = [
        team.client.post(f"{path}/consents", {"status": "objected", "source": f"Call {number}"}) for number in range(5)
    ]
    team.client.delete(path)
    assert team.client.walk(f"{path}/consents", size=2) == made[::-1]
    page = team.client.get(f"{path}/consents?page=2&size=2")
    assert (page["data"], page["meta"]["total"]) == (made[:1], 5)


def test_a_contact_that_said_nothing(team: Team) -> None:
    page = team.client.get(f"{team.contact()}/consents")
    assert (page["data"], page["meta"]["total"]) == ([], 0)


def test_bad_queries(team: Team) -> None:
    path = f"{team.contact()}/consents"
    assert team.client.faults("GET", f"{path}?cursor=x") == [("/query/cursor", "INVALID_CURSOR")]
    assert team.client.faults("GET", f"{path}?size=0") == [("/query/size", "TOO_SMALL")]
