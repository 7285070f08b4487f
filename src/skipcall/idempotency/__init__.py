"""The first answer to a request, given again to its repetitions."""
