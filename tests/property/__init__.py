"""Properties: what holds for every input that a strategy finds."""
