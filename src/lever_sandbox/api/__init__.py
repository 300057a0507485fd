"""Lever's Data API, version 1."""
