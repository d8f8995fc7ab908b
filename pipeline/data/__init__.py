"""Rows, labels and their split. Owner of numpy's file formats and scikit-learn."""
