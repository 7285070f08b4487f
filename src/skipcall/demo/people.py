"""Fictional French business contacts in HubSpot's export layout: the same ones for the same seed.

    python -m skipcall.demo.people 100000 > people.csv

Nobody can be reached through them: the phone numbers are from the ranges that French numbering keeps for fiction, the
domains end in `.example` (RFC 2606), and names are drawn at random.
"""

import csv
import random
import sys
import unicodedata
from collections.abc import Iterator
from typing import TextIO

import msgspec

DEMO_CONTACTS = 2_000
DEMO_SEED = 2_606

HEADER = (
    *("Record ID", "First Name", "Last Name", "Email", "Phone Number", "Mobile Phone Number", "Contact owner"),
    *("Lead Status", "Create Date", "Associated Company", "Job Title", "City", "Country/Region", "Website URL"),
    *("LinkedIn URL", "Industry", "Team Size"),
)

# Kept for fiction in France, each with four free digits.
_LANDLINES = ("019900", "026191", "035301", "046571", "053649")
_MOBILES = "063998"
_SUFFIXES = 10_000
_STEP = 7_919  # prime, so that steps of it meet every suffix once before any comes back

_FIRST_NAMES = (
    "Adèle Agathe Alexandre Alice Amandine Amélie Anaïs Antoine Arthur Audrey Aurélie Bastien Baptiste Benoît Camille "
    "Caroline Cécile Céline Charlotte Chloé Claire Clément Damien David Édouard Élise Élodie Émilie Emma Étienne Fabien "
    "Fanny Florian François Gabriel Gaëlle Guillaume Hélène Hugo Inès Isabelle Jean-Baptiste Jérôme Jules Julie Julien "
    "Justine Karim Laetitia Laure Léa Léo Lucas Lucie Maëlle Manon Margaux Marie Marion Mathieu Maxime Mélanie Mehdi "
    "Nadia Nathalie Nicolas Noémie Olivier Pauline Pierre Quentin Raphaël Rémi Romain Sabrina Samuel Sarah Sébastien "
    "Sophie Stéphane Sylvain Théo Thomas Valérie Victor Vincent Virginie Yann Yasmine Zoé"
).split()
_LAST_NAMES = (
    "Aubert,Barbier,Baron,Benali,Bernard,Bertrand,Blanchard,Bonnet,Boucher,Bouvier,Brun,Caron,Chevalier,Clément,Colin,"
    "Da Silva,David,Delattre,Denis,Dubois,Dufour,Dumas,Dupuis,Durand,Fabre,Faure,Fleury,Fontaine,Fournier,Gaillard,"
    "Garnier,Gauthier,Gérard,Girard,Guérin,Henry,Hubert,Huet,Jacquet,Joly,Lacroix,Lambert,Laurent,Le Gall,Le Roux,"
    "Leclerc,Lefèvre,Legrand,Lemaire,Lemoine,Léger,Marchand,Martinez,Masson,Mathieu,Mercier,Meunier,Meyer,Michel,"
    "Millet,Moreau,Morel,Müller,N'Diaye,Nguyen,Noël,Perrin,Petit,Philippe,Picard,Renard,Rey,Rivière,Robin,Roche,Roux,"
    "Rousseau,Roy,Saint-Martin,Schmitt,Simon,Thomas,Traoré,Vasseur,Vidal,Vincent,Weber"
).split(",")
_CITIES = (
    "Paris,Lyon,Marseille,Toulouse,Nice,Nantes,Strasbourg,Montpellier,Bordeaux,Lille,Rennes,Reims,Saint-Étienne,"
    "Le Havre,Toulon,Grenoble,Dijon,Angers,Nîmes,Villeurbanne,Clermont-Ferrand,Aix-en-Provence,Brest,Tours,Amiens,"
    "Limoges,Annecy,Besançon,Metz,Orléans,Mulhouse,Rouen,Caen,Nancy,Roubaix,Tourcoing,Avignon,Poitiers,La Rochelle,Pau"
).split(",")
_ABROAD = (
    ("Bruxelles", "Belgique"),
    ("Liège", "Belgique"),
    ("Genève", "Suisse"),
    ("Lausanne", "Suisse"),
    ("Luxembourg", "Luxembourg"),
    ("Casablanca", "Maroc"),
    ("München", "Allemagne"),
    ("Łódź", "Pologne"),
)
_INDUSTRIES = (
    "Logiciels,Industrie,Conseil,Bâtiment,Transport,Agroalimentaire,Santé,Énergie,Immobilier,Assurance,Formation,"
    "Commerce de détail,Télécommunications,Hôtellerie"
).split(",")
_TEAM_SIZES = ("1-10", "11-50", "51-200", "201-500", "501-1000", "1000+")
_ROLES = (  # said of anyone, since first names are drawn apart
    "Responsable des ventes,Responsable marketing,Responsable achats,Responsable RH,Responsable informatique,"
    "Responsable logistique,Responsable qualité,Responsable grands comptes,Office manager,Business developer,"
    "Head of Sales,Account Executive,CEO,CTO,CFO,Secrétaire de direction"
).split(",")
_COMPANY_STARTS = (
    "Atelier,Groupe,Maison,Comptoir,Studio,Ateliers,Cabinet,Transports,Laboratoire,Entreprise,Réseau,Pôle"
).split(",")
_COMPANY_NAMES = (
    "Alizé,Arvor,Boréal,Calanque,Cévennes,Estuaire,Garrigue,Hexagone,Iroise,Lumière,Mistral,Novalis,Océane,Pélican,"
    "Quintessence,Roseraie,Sémaphore,Tramontane,Ursule,Vallon,Zéphyr,Écluse,Lanterne,Passerelle"
).split(",")
_OWNERS = ("Alice Martin", "Karim Haddad", "Sophie Le Goff", "")
_STATUSES = ("New", "Open", "In progress", "Attempted to contact", "Connected", "")


class Company(msgspec.Struct, frozen=True):
    """A firm that several contacts share."""

    name: str
    domain: str
    industry: str
    team_size: str
    city: str
    country: str
    switchboard: str


def people(count: int, seed: int = DEMO_SEED) -> Iterator[list[str]]:
    """Yield `count` rows under `HEADER`, in constant memory; a longer run starts with the rows of a shorter one.

    About one row in three has a switchboard of its company beside the mobile number, one in twelve only that; one in
    fifty holds two numbers in one cell. Up to 10,000 contacts no two have the same mobile number.
    """
    draw = random.Random(seed)
    companies = [_company(draw, index) for index in range(400)]
    for index in range(count):
        yield _person(draw, index, companies)


def write(count: int, file: TextIO, seed: int = DEMO_SEED) -> None:
    """Write header and rows as HubSpot does: comma, quotes where needed."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(people(count, seed))


def _person(draw: random.Random, index: int, companies: list[Company]) -> list[str]:
    company = companies[int(draw.random() ** 2 * len(companies))]  # some firms have many contacts, most have few
    first, last = draw.choice(_FIRST_NAMES), draw.choice(_LAST_NAMES)
    handle = f"{_ascii(first)}.{_ascii(last)}"
    mobile = _written(draw, _MOBILES + _suffix(index))
    switchboard = company.switchboard if draw.random() < 0.35 else ""
    chance = draw.random()
    if chance < 1 / 12:
        mobile, switchboard = "", company.switchboard
    elif chance < 1 / 12 + 1 / 50:
        mobile, switchboard = f"{mobile} / {company.switchboard}", ""
    day, month = draw.randrange(1, 29), draw.randrange(1, 13)
    return [
        str(50_001 + index),
        first,
        last,
        f"{handle}.{index}@{company.domain}" if draw.random() < 0.9 else "",
        switchboard,
        mobile,
        draw.choice(_OWNERS),
        draw.choice(_STATUSES),
        f"2025-{month:02}-{day:02} {draw.randrange(8, 19):02}:{draw.randrange(60):02}",
        company.name,
        draw.choice(_ROLES) if draw.random() < 0.95 else "",
        company.city,
        company.country,
        f"https://www.{company.domain}" if draw.random() < 0.8 else "",
        f"https://www.linkedin.com/in/{handle.replace('.', '-')}-demo-{index}" if draw.random() < 0.7 else "",
        company.industry,
        company.team_size if draw.random() < 0.9 else "",
    ]


def _company(draw: random.Random, index: int) -> Company:
    start, name = draw.choice(_COMPANY_STARTS), draw.choice(_COMPANY_NAMES)
    abroad = draw.random() < 0.04
    city, country = draw.choice(_ABROAD) if abroad else (draw.choice(_CITIES), "France")
    number = draw.choice(_LANDLINES) + _suffix(index)
    title = f"{start} {name}" if draw.random() < 0.7 else f"{name} & Associés, {city}"
    return Company(
        title,
        f"{_ascii(name)}-{index}.example",
        draw.choice(_INDUSTRIES),
        draw.choice(_TEAM_SIZES),
        city,
        country,
        _written(draw, number),
    )


def _suffix(index: int) -> str:
    return f"{index * _STEP % _SUFFIXES:04}"


def _written(draw: random.Random, national: str) -> str:
    """Return a national number in one of the ways that people write it."""
    pairs = [national[i : i + 2] for i in range(0, 10, 2)]
    way = draw.random()
    if way < 0.4:
        return "+33" + national[1:]
    if way < 0.75:
        return " ".join(pairs)
    if way < 0.85:
        return ".".join(pairs)
    if way < 0.95:
        return f"+33 (0){national[1]} {' '.join(pairs[1:])}"
    return "00 33 " + " ".join([national[1], *pairs[1:]])


def _ascii(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return folded.replace(" ", "-").replace("'", "")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("usage: python -m skipcall.demo.people COUNT > file.csv")
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    write(int(sys.argv[1]), sys.stdout)
