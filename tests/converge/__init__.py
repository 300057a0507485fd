"""Lever is full of life, and its deliveries are lost, repeated, late, shuffled and forged.

In the end what is stored here is compared with what Lever has.
"""
