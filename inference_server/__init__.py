"""vLLM's own API server with personas: access, aliases and safe changes of adapters."""
