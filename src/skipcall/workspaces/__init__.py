"""Organizations and their workspaces."""
