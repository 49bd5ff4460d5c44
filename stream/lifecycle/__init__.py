"""History of one entity -> its state and its contributions to the numbers. Pure: no I/O, no clock."""
