"""How requests are received and answered. Nothing here knows the product."""
