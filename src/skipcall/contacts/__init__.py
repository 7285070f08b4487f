"""Contacts: the people that a team calls."""
