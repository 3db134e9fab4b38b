"""Questions for a person's writing: to each chunk the one that it would naturally answer.

A dataset of writing has a plain request ("Write about: TITLE") before each chunk. A model is asked
for a question in its place, and what it has answered is not asked again.
"""
