"""Contacts that are one person: found, made one, and taken apart again."""
