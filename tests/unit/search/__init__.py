"""Tests of fairsweep.search."""
