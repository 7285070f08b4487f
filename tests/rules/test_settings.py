"""Settings are read as documented, and each is documented."""

import inspect
import re
from pathlib import Path

import msgspec
import pytest

from skipcall import settings
from skipcall.settings import Settings, SettingsError, load

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
NAMES = re.findall(r"#\s+([A-Z][A-Z0-9_]+):", inspect.getsource(Settings))


def test_each_setting_names_its_variable() -> None:
    assert len(NAMES) == len(msgspec.structs.fields(Settings))
    read = set(re.findall(r'environment\.get\("(\w+)"', inspect.getsource(load)))
    assert read == set(NAMES)
    assert list(settings.VARIABLES) == NAMES


def test_the_page_lists_each_setting_once_and_nothing_else() -> None:
    assert sorted(re.findall(r"^\| `([A-Z0-9_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)) == sorted(NAMES)


def test_nothing_set() -> None:
    assert load({}) == Settings()
    assert load(dict.fromkeys(NAMES, "")) == Settings()


def test_everything_set() -> None:
    found = load(
        {
            "DATABASE_URL": "postgresql://a/b",
            "SKIPCALL_DATA": "/data",
            "SKIPCALL_POSTGRES_BINARIES": "/bin",
            "SKIPCALL_SECRET": "x" * 32,
            "SKIPCALL_PUBLIC_URL": "https://api.example.com/",
            "SKIPCALL_CONNECTIONS": "3",
            "SKIPCALL_TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8",
            "SKIPCALL_OUTBOUND_NETWORKS": "127.0.0.0/8",
            "SKIPCALL_STORAGE": "s3://bucket/prefix",
            "SKIPCALL_S3_ENDPOINT": "http://127.0.0.1:9000/",
            "SKIPCALL_S3_REGION": "eu-west-3",
            "SKIPCALL_S3_KEY_ID": "key",
            "SKIPCALL_S3_SECRET": "secret",
            "SKIPCALL_RECORDING_BYTES_MAX": "1000",
        }
    )
    assert found == Settings(
        database_url="postgresql://a/b",
        data_directory=Path("/data"),
        postgres_binaries=Path("/bin"),
        secret="x" * 32,
        public_url="https://api.example.com",
        connections_max=3,
        trusted_proxies=("10.0.0.0/8", "fd00::/8"),
        outbound_networks=("127.0.0.0/8",),
        storage="s3://bucket/prefix",
        s3_endpoint="http://127.0.0.1:9000",
        s3_region="eu-west-3",
        s3_key_id="key",
        s3_secret="secret",
        recording_bytes_max=1000,
    )


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/x",
        "host",
        "user:p%40ss,word@host:5432/x?sslmode=require",
        "u@a:5432,b:5433,[::1]:5434,[fd00::2]/x?target_session_attrs=primary",
        "/x?host=/var/run/postgresql&port=5433",
        "%2Fvar%2Frun/x",
        "u@/x?host=/run/a:b,host:5432&port=5432,5433",
    ],
)
def test_every_address_of_a_database_is_taken(rest: str) -> None:
    assert load({"DATABASE_URL": f"postgresql://{rest}"}).database_url == f"postgresql://{rest}"


def test_a_secret_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from the file\n")
    assert load({"SKIPCALL_S3_KEY_ID": "id", "SKIPCALL_S3_SECRET_FILE": str(file)}).s3_secret == "from the file"
    assert (
        load({"SKIPCALL_S3_KEY_ID": "id", "SKIPCALL_S3_SECRET_FILE": str(file), "SKIPCALL_S3_SECRET": "set"}).s3_secret
        == "set"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "localhost/skipcall"),
        ("DATABASE_URL", "postgresql:localhost"),
        ("DATABASE_URL", "postgresql://[bad"),
        ("DATABASE_URL", "postgresql://user@localhost:abc/x"),
        ("DATABASE_URL", "postgresql://localhost:99999/x"),
        ("DATABASE_URL", "postgresql://a:5432,b:0/x"),
        ("DATABASE_URL", "postgresql://a,,b/x"),
        ("DATABASE_URL", "postgresql://[::1]:70000/x"),
        ("DATABASE_URL", "postgresql:///x?host=a&port=5432,"),
        ("DATABASE_URL", "postgresql:///x?host=a:abc"),
        ("DATABASE_URL", "postgresql://a/x?sslmode"),
        ("SKIPCALL_CONNECTIONS", "0"),
        ("SKIPCALL_CONNECTIONS", "many"),
        ("SKIPCALL_CONNECTIONS", "-1"),
        ("SKIPCALL_CONNECTIONS", "1.5"),
        ("SKIPCALL_CONNECTIONS", str(settings.CONNECTIONS_MAX + 1)),
        ("SKIPCALL_CONNECTIONS", "9" * 5_000),
        ("SKIPCALL_SECRET", "short"),
        ("SKIPCALL_TRUSTED_PROXIES", "everywhere"),
        ("SKIPCALL_TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.1/8"),
        ("SKIPCALL_OUTBOUND_NETWORKS", "everywhere"),
        ("SKIPCALL_STORAGE", "/folder"),
        ("SKIPCALL_STORAGE", "file://host/folder"),
        ("SKIPCALL_STORAGE", "s3:///prefix"),
        ("SKIPCALL_STORAGE", "gs://bucket"),
        ("SKIPCALL_STORAGE", "s3://bucket/prefix?region=x"),
        ("SKIPCALL_S3_ENDPOINT", "s3.example.com"),
        ("SKIPCALL_S3_SECRET_FILE", "/nowhere/at/all"),
        ("SKIPCALL_RECORDING_BYTES_MAX", "0"),
        ("SKIPCALL_RECORDING_BYTES_MAX", "200MB"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({name: value})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SKIPCALL_CONECTIONS", "SKIPCALL_CONNECTIONS"),
        ("SKIPCALL_DATABASE_URL", "DATABASE_URL"),
        ("SKIPCALL_S3_KEY", "SKIPCALL_S3_KEY_ID"),
        ("SKIPCALL_TRUSTED_PROXY", "SKIPCALL_TRUSTED_PROXIES"),
        ("SKIPCALL_PORTS", None),
    ],
)
def test_a_variable_that_is_none(name: str, meant: str | None) -> None:
    [told] = settings.list_unknown({name: "", "PATH": "/bin", "SKIPCALL_DATA": "data"})
    assert told == f"{name} is no setting" + (f": do you mean {meant}?" if meant else "")


def test_what_kubernetes_sets_is_passed_over() -> None:
    ends = (
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_80_TCP",
        "PORT_80_TCP_ADDR",
        "PORT_5_UDP",
    )
    environment = {f"SKIPCALL_{middle}{end}": "x" for middle in ("", "DB_") for end in ends}
    assert settings.list_unknown(environment) == []
