"""What the report knows: selection, statistics, curves, parameters. Numbers, no words."""
