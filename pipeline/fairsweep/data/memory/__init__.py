"""Where features are kept, in memory or in a file, and views of their rows."""
