"""PostgreSQL: the pool, statements, migrations and the embedded server. Nothing here knows the product."""
