"""From a chat export to a published persona: datasets, training, versions, the registry."""
