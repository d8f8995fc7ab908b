"""Tests of the executor, without a worker."""
