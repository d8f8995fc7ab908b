"""Tables: columns and their roles, from CSV or Parquet files to rows of numbers."""
