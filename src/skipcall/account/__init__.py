"""What an API key can learn about itself, its organization, workspaces and colleagues."""
