"""What the report says: sentences, tables and numbers as text."""
