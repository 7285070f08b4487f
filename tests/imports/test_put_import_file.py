"""PUT /v1/imports/{id}/file: what is taken, what is not, and that nothing is left of what is not."""

import gzip
import hashlib
import zipfile
from io import BytesIO
from urllib.parse import urlsplit

import pytest

from tests.client import Client, exchange
from tests.imports.conftest import IMPORTS, LEA, ZOE, Loader, counts, csv_of

FILE = csv_of(ZOE, LEA)


def kept_files(loader: Loader, path: str) -> list[str]:
    """Return the keys of files that are on their way, and of those of an import."""

    async def listed() -> list[str]:
        storage = loader.kept.storage
        return [
            one.key async for batch in storage.list("imports") for one in batch if path.rpartition("/")[2] in one.key
        ] + [one.key async for batch in storage.list("pending") for one in batch]

    return loader.kept.team.make.run(listed())


def test_a_file_is_kept_until_it_is_imported(anywhere: Loader) -> None:
    path = anywhere.asked(dryRun=False)
    taken = anywhere.send(path, FILE)
    assert (taken["status"], taken["format"]) == ("RUNNING", "csv")
    assert taken["sha256"] == hashlib.sha256(FILE.encode()).hexdigest()
    assert (taken["sizeBytes"], taken["lineCount"]) == (len(FILE.encode()), FILE.count("\n") + 1)
    assert len(kept_files(anywhere, path)) == 1
    anywhere.kept.work()
    assert anywhere.get(path)["counts"] == counts(created=2)
    assert kept_files(anywhere, path) == []
    assert anywhere.send(path, FILE, 409)["error"]["code"] == "IMPORT_STATUS"


def test_what_is_too_large(anywhere: Loader) -> None:
    path = anywhere.asked()
    anywhere.send(path, b"x" * 20_000_001, 413)
    assert kept_files(anywhere, path) == []
    assert anywhere.get(path)["status"] == "AWAITING_FILE"
    anywhere.send(path, FILE)


def test_an_upload_that_breaks_off(anywhere: Loader) -> None:
    path = anywhere.asked()
    client = anywhere.client
    head = [f"PUT {path}/file HTTP/1.1", f"Host: {urlsplit(client.url).netloc}", f"Authorization: Bearer {client.key}"]
    head += [f"X-Forwarded-For: {client.address}", "Content-Type: text/csv", "Content-Length: 5000", "", ""]
    exchange(client.url, "\r\n".join(head).encode(), FILE.encode(), half_close=True, seconds=1)
    assert anywhere.get(path)["status"] == "AWAITING_FILE"
    assert kept_files(anywhere, path) == []


def _zip() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("contacts.csv", FILE)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "no header"),
        (_zip(), "zip archive"),
        (gzip.compress(FILE.encode()), "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\0\0\1" * 5000, "not a text file"),
        (b"a,b\n1,2\n", "no header"),
        (b"x" * 10_000_000, "no header"),
        (b"City,Country\nLille,France\n", "matchBy"),
    ],
)
def test_a_file_that_cannot_be_read(loader: Loader, content: bytes, words: str) -> None:
    path = loader.asked()
    error = loader.send(path, content, 400)["error"]
    assert error["details"][0]["code"] == "UNUSABLE_FILE"
    assert words in error["details"][0]["message"]
    assert kept_files(loader, path) == []
    loader.send(path, FILE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(loader: Loader, encoding: str) -> None:
    assert loader.done(FILE.encode(encoding))["counts"] == counts(created=2)
    assert [one["firstName"] for one in loader.contacts()] == ["Zoé", "Léa"]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("Zoé".encode() + b",Roy,0639980001\nL\xe9a", ["Zoé", "L\ufffda"]),
        ("Zoé,NESTLÉ®,0639980001\nLéa".encode("cp1252"), ["Zoé", "Léa"]),
        ("Zoé,« café\xa0»,0639980001\nLéa".encode("cp1252"), ["Zoé", "Léa"]),
        ("Ana,NESTLÉ®,0639980001\nLéa".encode("cp1252"), ["Ana", "Léa"]),
    ],
)
def test_a_bad_byte_in_a_small_file_is_told_and_no_other_encoding(
    loader: Loader, content: bytes, names: list[str]
) -> None:
    found = loader.done(b"First Name,Last Name,Phone\n" + content + b",Roy,0639980002\n")
    assert [one["firstName"] for one in loader.contacts()] == names
    told = [(one["line"], one["code"]) for one in loader.errors(found)]
    assert told == ([("3", "DAMAGED_TEXT")] if "\ufffd" in names[1] else [])


def test_nasty_rows_leave_the_others_alone(loader: Loader) -> None:
    rows = [
        "First Name,Last Name,Phone Number,Phone Number",
        "A,\0,0639980001,",
        "B,B,0639980002,0639980003,,0639980004",
        'C,"C,0639980005',
        "D,D,,0639980006",
        "E," + "x" * 10_000_000 + ",0639980007,",
        "F,F,0639980008,",
    ]
    found = loader.done("\r\n".join(rows), matchBy=["phoneNumbers"])
    assert found["counts"] == counts(created=2, refused=4, errors=4)
    assert [(one["line"], one["code"]) for one in loader.errors(found)] == [
        ("2", "FORBIDDEN_CHARACTER"),
        ("3", "TOO_MANY_CELLS"),
        ("4", "ROW_UNREADABLE"),
        ("6", "ROW_UNREADABLE"),
    ]
    assert [one["firstName"] for one in loader.contacts()] == ["D", "F"]


def test_what_a_mapping_names_must_be_there(loader: Loader) -> None:
    path = loader.asked(mapping={"Nowhere": "firstName", "a/b": None})
    error = loader.send(path, FILE, 400)["error"]
    assert [(one["pointer"], one["code"]) for one in reversed(error["details"])] == [
        ("/mapping/Nowhere", "UNKNOWN_HEADING"),
        ("/mapping/a~1b", "UNKNOWN_HEADING"),
    ]
    path = loader.asked(mapping={"Email": "nothing", "Last Name": "customFields.other"})
    error = loader.send(path, FILE, 400)["error"]
    assert [(one["pointer"], one["code"]) for one in error["details"]] == [
        ("/mapping/Email", "UNKNOWN_CUSTOM_FIELD"),
        ("/mapping/Last Name", "UNKNOWN_CUSTOM_FIELD"),
    ]


def test_what_was_meant_is_suggested(loader: Loader) -> None:
    loader.kept.team.field("Industry")

    def suggested(**mapping: str) -> list[str | None]:
        error = loader.send(loader.asked(mapping=mapping), FILE, 400)["error"]
        return [one.get("suggestion") for one in error["details"]]

    assert suggested(Email="emial") == ["email"]
    assert suggested(Email="industri") == ["industry"]
    assert suggested(Email="customFields.industri") == ["customFields.industry"]
    assert suggested(Email="qqqqqq") == [None]
    assert suggested(Emial="email") == ["Email"]


NAMED = ("First Name", "Last Name", "Phone Number")


@pytest.mark.parametrize(
    ("headings", "mapping", "pointers"),
    [
        (("Company", "Company"), {}, [""]),
        (("Company", "company *"), {"Company": "role"}, ["/mapping/Company"]),
        (("Industry", "Industry"), {}, [""]),
        (("Segment", "Segment"), {"Segment": "industry"}, ["/mapping/Segment"]),
        (("A", "B", "C"), {"A": "city", "B": "city", "C": "city"}, ["/mapping/B", "/mapping/C"]),
        (("A", "B"), {"A": "industry", "B": "customFields.Industry"}, ["/mapping/B"]),
        (("customFields.industry", "B"), {"B": "industry"}, ["/mapping/B"]),
        (("A", "B"), {"A": "email", "B": "email"}, ["/mapping/B"]),
        # Nothing is lost, or it is told by `columns`.
        (("Company", "Company"), {"Company": None}, []),
        (("Company", "Company"), {"Company": "phoneNumbers"}, []),
        (("A", "B"), {"A": "phoneNumbers", "B": "phoneNumbers"}, []),
        (("A", "B"), {"A": "doNotCall", "B": "doNotCall"}, []),
        (("Nobody knows", "Nobody knows"), {}, []),
        (("Company", "Company Name"), {}, []),
        (("A", "Company"), {"A": "company"}, []),
        (("A", "Industry"), {"A": "industry"}, []),
    ],
)
def test_two_columns_with_one_meaning(
    loader: Loader, headings: tuple[str, ...], mapping: dict[str, str | None], pointers: list[str]
) -> None:
    loader.kept.team.field("Industry")
    content = csv_of(("Zoé", "Roy", "0639980001", *("" for _ in headings)), headings=(*NAMED, *headings))
    path = loader.asked(mapping=mapping, matchBy=["phoneNumbers"])
    sent = loader.send(path, content, 400 if pointers else 200)
    details = sent.get("error", {}).get("details", [])
    assert [(one["pointer"], one["code"]) for one in details] == [(one, "DUPLICATE_COLUMN") for one in pointers]
    assert all(f"Column 4, '{headings[0]}'" in one["message"] for one in details)


def test_headings_that_nobody_knows_are_mapped(loader: Loader) -> None:
    loader.kept.team.field("Segment")
    rows = csv_of(("Zoé Roy", "0639980001", "x"), headings=("Wer", "Wo", "Was"))
    found = loader.done(rows, mapping={"Wer": "fullName", "Wo": "phoneNumbers", "Was": "segment"})
    assert found["counts"] == counts(created=1)
    assert loader.contacts()[0]["customFields"] == {"Segment": "x"}


def test_numbers_of_a_mapped_column_stay_in_the_order_of_the_file(loader: Loader) -> None:
    rows = csv_of(("Zoé Roy", "0639980001", "0639980002"), headings=("Name", "Phone", "Extra"))
    loader.done(rows, mapping={"Extra": "phoneNumbers"})
    assert loader.contacts()[0]["phoneNumbers"] == ["+33639980001", "+33639980002"]


def test_a_compressed_body(client: Client) -> None:
    path = f"{IMPORTS}/{client.post(IMPORTS, {})['id']}/file"
    headers = {"content-type": "text/csv", "content-encoding": "gzip"}
    client.request("PUT", path, content=gzip.compress(FILE.encode()), headers=headers, status=415)
