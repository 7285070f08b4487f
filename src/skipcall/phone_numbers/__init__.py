"""Managed phone numbers: those that a team calls from and is called on."""
