"""Which addresses may be reached: the public internet, and networks that the operator allows.

`ipaddress.is_global` alone is no guard: it takes 64:ff9b::7f00:1 and 2002:7f00:1::, which lead to 127.0.0.1, for global. So of IPv6 only
2000::/3 passes, the part that IANA gives out as global unicast, without what is special in it.
"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",  # behind the NAT of a provider
            "192.0.0.0/24",  # IETF protocol assignments
            "192.88.99.0/24",  # relays of 6to4
            "198.18.0.0/15",  # benchmarks
            "240.0.0.0/4",
            "2001::/23",  # IETF protocol assignments, with Teredo
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)


def read_address(text: str) -> Address:
    """Return the address that a text is, an IPv4 one for its form within IPv6; raise ValueError for any other text."""
    address = ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_within(address: Address, networks: Collection[Network]) -> bool:
    return any(address in network for network in networks)


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to one machine somewhere in the public internet."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not is_within(address, _SPECIAL)
