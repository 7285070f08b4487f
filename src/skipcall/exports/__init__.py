"""Contacts as files: asked for over HTTP, made by the worker."""
