"""Three months of believable calls of a sales team: the same ones for the same seed, contacts and day.

Users call in sessions of a sequence on working mornings and afternoons; most attempts reach nobody, a machine takes some,
and of the conversations a few end well. Some people call back.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

DAYS = 92
SEED = 1_968
SESSION_CALLS = (9, 17)
SESSIONS_A_DAY = 0.75  # of each user, for each of the two hours
SESSION_STARTS = (time(10, 5), time(14, 35))
RING_SECONDS_MAX = 28
SATURDAY = 5

Outcome = Literal["no-answer", "busy", "failed", "canceled", "machine", "human"]
_OUTCOMES: dict[Outcome, int] = {"no-answer": 42, "machine": 23, "human": 26, "busy": 5, "failed": 3, "canceled": 1}
# What is said of a conversation, by the place of the tag among the workspace's own; the first one is the success.
_TAGS: dict[int | None, int] = {0: 13, 1: 40, 2: 33, 3: 6, None: 8}
_NOTES = {
    0: (
        "Démo calée mardi 10 h avec son associée.",
        "RDV visio jeudi, envoyer l'invitation.",
        "Très intéressée par l'offre annuelle.",
    ),
    1: ("Déjà équipés jusqu'à fin 2027.", "Pas de budget cette année.", "Ne souhaite pas changer de prestataire."),
    2: ("Rappeler après le 15.", "En réunion, rappeler demain matin.", "Demande une présentation par e-mail d'abord."),
    3: ("Ce n'est plus son numéro.",),
}


class DemoCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `run` is the number of its session, None for a direct call; `contact` and `user` are places in the lists."""

    started_at: datetime
    is_inbound: bool = False
    user: int
    contact: int | None  # None: somebody unknown
    run: int | None = None
    outcome: Outcome
    ring_seconds: int
    talk_seconds: int = 0
    tag: int | None = None
    notes: str | None = None


def invent_calls(contacts: int, users: int, today: date, timezone: str, seed: int = SEED) -> Iterator[DemoCall]:
    """Return the calls of the `DAYS` days before a day, oldest first within each session."""
    draw = random.Random(seed)
    zone = ZoneInfo(timezone)
    reached: list[int] = []
    run = 0
    next_contact = 0
    for days in range(DAYS, 0, -1):
        day = today - timedelta(days=days)
        if day.weekday() >= SATURDAY:
            continue
        for user in range(users):
            for start in SESSION_STARTS:
                if draw.random() > SESSIONS_A_DAY:
                    continue
                moment = datetime.combine(day, start, zone).astimezone(UTC) + timedelta(seconds=draw.randrange(900))
                for _ in range(draw.randint(*SESSION_CALLS)):
                    if reached and draw.random() < 0.15:
                        contact = draw.choice(reached)
                    else:
                        contact, next_contact = next_contact, (next_contact + 1) % contacts
                    call = _call(draw, moment, user, contact, run)
                    if call.outcome == "human":
                        reached.append(contact)
                    yield call
                    moment += timedelta(seconds=call.ring_seconds + call.talk_seconds + draw.randint(15, 100))
                run += 1
            if draw.random() < 0.35:
                moment = datetime.combine(day, time(11, 50), zone).astimezone(UTC) + timedelta(
                    seconds=draw.randrange(9_000)
                )
                yield _call_back(draw, moment, user, reached)


def _call(draw: random.Random, moment: datetime, user: int, contact: int, run: int) -> DemoCall:
    [outcome] = draw.choices(list(_OUTCOMES), list(_OUTCOMES.values()))
    talk, tag = 0, None
    if outcome == "machine":
        talk = draw.randint(3, 35)
    elif outcome == "human":
        talk = min(1_500, 12 + int(draw.lognormvariate(4.3, 0.9)))
        [tag] = draw.choices(list(_TAGS), list(_TAGS.values()))
    return DemoCall(
        started_at=moment,
        user=user,
        contact=contact,
        run=run,
        outcome=outcome,
        ring_seconds=0 if outcome == "failed" else draw.randint(4, RING_SECONDS_MAX),
        talk_seconds=talk,
        tag=tag,
        notes=draw.choice(_NOTES[tag]) if tag is not None and draw.random() < 0.6 else None,
    )


def _call_back(draw: random.Random, moment: datetime, user: int, reached: Sequence[int]) -> DemoCall:
    is_answered = draw.random() < 0.7
    return DemoCall(
        started_at=moment,
        is_inbound=True,
        user=user,
        contact=draw.choice(reached) if reached and draw.random() < 0.85 else None,
        outcome="human" if is_answered else "no-answer",
        ring_seconds=draw.randint(3, RING_SECONDS_MAX),
        talk_seconds=draw.randint(20, 400) if is_answered else 0,
    )
