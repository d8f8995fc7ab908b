"""What a published model predicts: rows or images without labels."""
