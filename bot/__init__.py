"""People, platforms, Redis and one OpenAI-compatible URL: the part that holds conversations."""
