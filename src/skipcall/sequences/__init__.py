"""Sequences: contacts to call, shared out among users, and the sessions in which they are called."""
