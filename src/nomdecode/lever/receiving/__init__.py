"""Lever's webhooks as they come in: verified, stored, answered; looked up later (marks.py)."""
