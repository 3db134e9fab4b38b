"""Where people are; each platform turns its messages into `Incoming` and shows a `Reply`."""
