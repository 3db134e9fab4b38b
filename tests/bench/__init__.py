"""`make bench`: what Understudy costs, against the least that could do the job, in one run."""
