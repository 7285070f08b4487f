"""Skipcall: a self-hosted contacts-and-calls API."""

__version__ = "0.1.0"
