"""Fictional data to try the server with."""
