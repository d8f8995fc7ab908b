"""From the command line and conf/ to a checked plan. Owner of hydra."""
