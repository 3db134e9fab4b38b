"""How Understudy is brought up: on this machine (`local`), later in containers and clusters."""
