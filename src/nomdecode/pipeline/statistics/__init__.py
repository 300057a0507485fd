"""What each number on a page means: one definition each. Pure: no table, no Django, no clock.

Small things are passed as numbers, large ones as NumPy arrays. SciPy is imported where it is used:
only a worker computes, and a web process that shows a share does not pay for it.
"""

TOO_FEW = 5  # events, or of each kind: with fewer nothing is said
Z_95 = 1.959963984540054  # the normal distribution's 97.5% point
