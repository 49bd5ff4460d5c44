"""From a clock that runs out to the people: topic `support.sla` -> Alertmanager, Slack, PagerDuty, webhooks.

`routing` says what goes where, `book` keeps what was told to whom (`state`), `message` is what a channel is
given, `channels` has one file for each kind of destination, `dispatch` runs it all. `routing`, `state`,
`book`, `message` and `circuit` do no I/O and read no clock.
"""
