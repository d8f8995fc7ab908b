"""What a published model is asked about: rows or images without labels."""
