"""Where calls come from: providers and exchanges, each read by a parser of its own into one form."""
