"""A file a server of the local stack."""
