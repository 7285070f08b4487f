"""What a server says when it is ready."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skipcall.demo.actions import Demo


def print_banner(url: str, public_url: str | None, demo: "Demo | None") -> None:
    """Print where the server is and, with a demo, its keys and a command that updates one of its contacts."""
    lines = [("Listening at", url), ("Documentation", f"{url}/docs")]
    if public_url is not None:
        lines.insert(1, ("Known as", public_url))
    if demo is not None:
        lines += [("Live key", demo.live_key), ("Test key", demo.test_key)]
    width = max(len(name) for name, _ in lines)
    bold, plain = ("\x1b[1m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
    print()
    for name, value in lines:
        print(f"  {name:<{width}}  {bold}{value}{plain}")
    if demo is not None and demo.contact_id is not None:
        print(f"\nUpdate a contact:\n\n{_curl(url, demo)}")
    print("\nCtrl-C ends it.", flush=True)


def _curl(url: str, demo: "Demo") -> str:
    return (
        f"curl -X PATCH '{url}/v1/contacts/{demo.contact_id}' \\\n"
        f"  -H 'Authorization: Bearer {demo.live_key}' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"role": "CTO", "customFields": {"industry": "Food"}}\''
    )
