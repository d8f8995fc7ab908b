"""Tests of fairsweep.config."""
