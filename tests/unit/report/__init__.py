"""Tests of fairsweep.report."""
