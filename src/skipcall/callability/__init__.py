"""Whether a contact may be called now, by what is known here and by rules that are dated data."""
