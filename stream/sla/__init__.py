"""Clocks of service level agreements: calendars, policies, and what becomes of a clock. Pure: no I/O, and
time is passed in."""
