"""Alternatives to this service, run with the same load on the same machine."""
