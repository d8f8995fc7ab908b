"""CSV files: reading, streaming, and what is wrong with them."""
