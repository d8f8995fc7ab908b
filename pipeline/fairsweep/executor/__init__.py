"""Where trials run. Owner of processes."""
