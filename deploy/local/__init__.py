"""Everything on one machine: where state lives, and the processes that `understudy up` minds."""
