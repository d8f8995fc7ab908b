"""The commands, a module each: compose, check, hand over. Nothing imports them but the cli."""
