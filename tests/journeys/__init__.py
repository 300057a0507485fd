"""A package: what its tests share is closed after the last of them (pytest, package scope)."""
