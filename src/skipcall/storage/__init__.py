"""Where files are kept: a folder of this machine, or a bucket of S3. Nothing here knows the product."""
