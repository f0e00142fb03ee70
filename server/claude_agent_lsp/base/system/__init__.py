"""What the operating systems do differently, each difference in one place.

Nothing else asks which system it is on, but for what only one of them has at all.
"""
