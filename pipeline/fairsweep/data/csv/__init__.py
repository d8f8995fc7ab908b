"""CSV files: read, streamed, and what is wrong with them."""
