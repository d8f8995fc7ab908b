"""Room for features, in memory or in a file, and views of them."""
