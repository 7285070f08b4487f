"""Phone numbers that are not to be called, whoever has them."""
