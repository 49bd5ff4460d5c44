"""Tests of floorcast; files mirror the packages of `stream`: `test_<package>_<topic>.py`."""
