"""How a URL is read, and which addresses pass: every way of writing one."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipcall.outbound.addresses import is_public, read_address
from skipcall.outbound.urls import (
    URL_CHARS_MAX,
    ForbiddenUrl,
    Target,
    check_addresses,
    check_host,
    follow,
    parse_url,
)

PUBLIC = [ip_address("8.8.8.8"), ip_address("2001:4860:4860::8888")]

DENIED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1 127.255.255.254 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.254
192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:7f00:1 64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:0:53aa:64c::1
2001:db8::1 2001:10::1 2002:7f00:1:: 2002:808:808::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ff0e::1
""".split()
# The nearest neighbours of the ranges above, and some that everyone knows.
PASSED = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.254 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.1
191.255.255.255 192.88.98.255 192.88.100.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8
2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00:1450::1 3ffe:ffff::1
""".split()

BAD = [
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https:/example.com",
    "https:///example.com",
    "https://",
    "https://?x",
    "https://:443/",
    "HTTPS://example.com/",  # nobody writes it so; two readers, two opinions
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com:443@127.0.0.1/",
    "https://example.com/#fragment",
    "https://example.com#@127.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://example.com\\.evil.example/",
    "https://exa\tmple.com/",
    "https://exa\nmple.com/",
    "https://example.com/\r\nX: y",
    " https://example.com/",
    "https://example.com/ ",
    "\x00https://example.com/",
    "https://exam%70le.com/",
    "https://127%2e0.0.1/",
    "https://example.com./",
    "https://localhost./",
    "https://.example.com/",
    "https://example..com/",
    "https://-example.com/",
    "https://example-.com/",
    "https://" + "a" * 64 + ".com/",
    "https://" + "a." * 126 + "com/",
    "https://exämple.com/",
    "https://ⓔxample.com/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",  # ideographic full stops
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:/",
    "https://example.com:0x50/",
    "https://example.com:８０/",
    "https://example.com:+443/",
    "https://[::1/",
    "https://::1/",
    "https://[::1]evil.example/",
    "https://[fe80::1%25eth0]/",
    "https://[::ffff:127.0.0.1.]/",
    "https://[127.0.0.1]/",
    "https://[example.com]/",
    # IPv4 addresses as inet_aton and browsers read them
    "https://2130706433/",
    "https://017700000001/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.0x1/",
    "https://127.0.0.256/",
    "https://1.2.3.4.5/",
    "https://example.0x/",
    "https://example.1/",
    "https://example.com/" + "a" * URL_CHARS_MAX,
]


@pytest.mark.parametrize("url", BAD, ids=ascii)
def test_what_two_readers_could_take_for_two_hosts_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.com", Target("https", "example.com", 443, "/")),
        ("https://Example.COM/A?b=%2F&c=@:d", Target("https", "example.com", 443, "/A?b=%2F&c=@:d")),
        ("http://example.com?x=1", Target("http", "example.com", 80, "/?x=1")),
        ("https://xn--exmple-cua.com:8443/", Target("https", "xn--exmple-cua.com", 8443, "/")),
        ("https://my_bucket.s3.example/a//b/../c", Target("https", "my_bucket.s3.example", 443, "/a//b/../c")),
        ("http://127.0.0.1:8080/", Target("http", "127.0.0.1", 8080, "/", IPv4Address("127.0.0.1"))),
        ("https://[2001:DB8::1]/", Target("https", "2001:db8::1", 443, "/", IPv6Address("2001:db8::1"))),
        ("https://[::ffff:1.2.3.4]/", Target("https", "::ffff:1.2.3.4", 443, "/", IPv4Address("1.2.3.4"))),
    ],
)
def test_what_is_read(url: str, target: Target) -> None:
    assert parse_url(url) == target


@given(st.text(alphabet=st.sampled_from("htps:/@[]\\.%#?0127xaAé\t-_。"), max_size=40) | st.text(max_size=20))
def test_a_host_that_is_read_is_the_one_that_others_read(rest: str) -> None:
    try:
        target = parse_url(f"https://{rest}")
    except ForbiddenUrl:
        return
    parts = urlsplit(f"https://{rest}")
    assert (parts.hostname, parts.port or 443, parts.username) == (target.host, target.port, None)
    assert target.path.startswith("/") and target.path.isascii() and target.path.isprintable()  # noqa: PT018


@pytest.mark.parametrize("text", DENIED)
def test_addresses_inside(text: str) -> None:
    assert not is_public(read_address(text))


@pytest.mark.parametrize("text", PASSED)
def test_addresses_outside(text: str) -> None:
    assert is_public(read_address(text))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_within_ipv6_never_passes_where_it_would_not_itself(inner: IPv4Address) -> None:
    number = int(inner)
    assert is_public(read_address(f"::ffff:{inner}")) == is_public(inner)
    for network in ("64:ff9b::/96", "::/96"):
        assert not is_public(IPv6Address(int(ip_network(network).network_address) + number))
    assert not is_public(IPv6Address((0x2002 << 112) + (number << 80)))


@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_what_passes_is_global_in_pythons_eyes_too(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_reserved, address.is_loopback))


@pytest.mark.parametrize(
    ("host", "hosts", "passes"),
    [
        ("api.twilio.com", ["api.twilio.com"], True),
        ("api.twilio.com", ["*.twilio.com"], True),
        ("twilio.com", ["*.twilio.com"], False),
        ("eviltwilio.com", ["*.twilio.com"], False),
        ("api.twilio.com.evil.example", ["api.twilio.com", "*.twilio.com"], False),
        ("api.twilio.com", [], False),
    ],
)
def test_hosts_that_may_be_asked(host: str, hosts: list[str], passes: bool) -> None:
    target = parse_url(f"https://{host}/")
    if passes:
        check_host(target, hosts)
    else:
        with pytest.raises(ForbiddenUrl):
            check_host(target, hosts)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "not https"),
        ("https://example.com:22/", "another port"),
        ("https://8.8.8.8/", "in place of a name"),
        ("https://[2001:4860:4860::8888]/", "in place of a name"),
    ],
)
def test_public_addresses_are_asked_by_https_and_name_only(url: str, why: str) -> None:
    with pytest.raises(ForbiddenUrl, match=why):
        check_addresses(parse_url(url), PUBLIC, [IPv4Network("10.0.0.0/8")])


@pytest.mark.parametrize("url", ["https://example.com/", "https://example.com:8443/"])
def test_one_denied_address_of_several_is_enough(url: str) -> None:
    check_addresses(parse_url(url), PUBLIC, [])
    with pytest.raises(ForbiddenUrl, match="outside the public internet"):
        check_addresses(parse_url(url), [*PUBLIC, ip_address("10.0.0.1")], [])


@pytest.mark.parametrize("url", ["http://10.1.2.3:5000/", "http://pbx.local/", "https://pbx.local:22/"])
def test_networks_that_the_operator_allows(url: str) -> None:
    allowed = [IPv4Network("10.0.0.0/8")]
    check_addresses(parse_url(url), [ip_address("10.1.2.3")], allowed)
    for other in ("11.0.0.1", "127.0.0.1"):
        with pytest.raises(ForbiddenUrl):
            check_addresses(parse_url(url), [ip_address("10.1.2.3"), ip_address(other)], allowed)


@pytest.mark.parametrize(
    ("location", "absolute"),
    [
        ("/b?c", "https://example.com/b?c"),
        ("b", "https://example.com/a/b"),
        ("//other.example/b", "https://other.example/b"),
        ("https://other.example/b", "https://other.example/b"),
    ],
)
def test_where_a_redirect_leads(location: str, absolute: str) -> None:
    assert follow("https://example.com/a/x", location) == absolute


@pytest.mark.parametrize(
    "location", ["", "\thttps://evil.example/", "https://evil.example\\@a/", "/a b", "#x", "https://[x/"]
)
def test_a_redirect_to_nowhere(location: str) -> None:
    with pytest.raises(ForbiddenUrl):
        parse_url(follow("https://example.com/", location))
