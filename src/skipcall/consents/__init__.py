"""What contacts said about being called."""
