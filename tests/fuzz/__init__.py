"""A fuzzer over every entrance: seeded, so that a run can be had again; one file an entrance."""
