"""What is served over HTTP: the only package that speaks it."""
