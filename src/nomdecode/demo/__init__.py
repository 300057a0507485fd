"""`make demo`: the product and the Lever sandbox side by side, with some weeks of invented life."""
