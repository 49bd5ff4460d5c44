"""Clocks of service level agreements: calendars, policies, and what becomes of a clock (sla.md). Pure: no
I/O, and time is passed in."""
