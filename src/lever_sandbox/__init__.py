"""A stand-in for Lever: its Data API, its signed webhooks and screens to work them by hand."""
