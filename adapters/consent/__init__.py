"""Who agreed to what, and what follows from it for imports, trainings and published versions."""
