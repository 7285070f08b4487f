"""People: users, their membership of organizations and of workspaces."""
