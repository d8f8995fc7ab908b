"""What is wrong with stored sweeps, and what of it can be mended."""
