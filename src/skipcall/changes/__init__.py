"""What has changed: the feed that other systems follow, and the history of one contact."""
