"""What is counted: measures, panes, groupings, sketches, and the catalog of metrics over them. Pure: no I/O,
no clock."""
