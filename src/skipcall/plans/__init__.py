"""What each plan allows."""
