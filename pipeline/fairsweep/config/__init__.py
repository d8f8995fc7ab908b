"""From command line and conf/ to a checked `Plan`. Owner of hydra and omegaconf."""
