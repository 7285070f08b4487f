"""How many requests fit into any 60 seconds."""
