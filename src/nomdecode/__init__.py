"""Anonymous technical interviews, wired into Lever."""
