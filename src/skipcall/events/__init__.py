"""What happened, recorded in the transaction that did it."""
