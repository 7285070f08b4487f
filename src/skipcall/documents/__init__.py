"""What this server tells about itself: the OpenAPI document, pages made from it, error codes, deprecations."""
