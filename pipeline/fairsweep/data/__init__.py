"""Rows, labels and their split. Owner of pandas, pyarrow, Pillow and scikit-learn."""
