"""Lines as Asterisk's cdr_csv writes them: 18 columns, one outbound call each."""

from collections.abc import Iterable
from datetime import datetime, timedelta

START = datetime(2026, 3, 3, 9, 0, 0)  # noqa: DTZ001 - local to the exchange


def cdr_line(number: int, *, src: str = "201", dst: str = "0639980001", context: str = "from-internal") -> str:
    """Return the line of one call; another number is another call."""
    start = START + timedelta(seconds=number % 1_000_000)
    cells = [
        "",
        src,
        dst,
        context,
        f'"" <{src}>',
        f"PJSIP/{src}-{number:08x}",
        f"PJSIP/trunk-{number:08x}",
        "Dial",
        "PJSIP/x@trunk,30",
    ]
    cells += [f"{start}", f"{start + timedelta(seconds=6)}", f"{start + timedelta(seconds=48)}", "48", "42"]
    cells += ["ANSWERED", "DOCUMENTATION", f"{1_700_000_000 + number}.{number}", ""]
    quoted = [
        f'"{cell.replace(chr(34), chr(34) * 2)}"' if not cell.isdecimal() or index < 9 else cell
        for index, cell in enumerate(cells)
    ]
    return ",".join(quoted) + "\n"


def call_id(number: int) -> str:
    """Return what `provider_call_id` of the call begins with."""
    return f"{1_700_000_000 + number}.{number}:"


def cdr_lines(numbers: Iterable[int]) -> list[str]:
    return [cdr_line(number) for number in numbers]
