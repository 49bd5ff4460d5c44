"""Clocks of SLAs: business time, which policy a ticket falls under, what its clocks come to. Pure: no I/O, no
clock."""
