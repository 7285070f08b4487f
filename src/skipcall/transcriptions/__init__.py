"""What was said in calls, as text."""
