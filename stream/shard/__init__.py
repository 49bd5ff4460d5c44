"""One partition of one topic: a batch of records -> one commit. Pure: what is missing is asked for, nothing
is fetched."""
