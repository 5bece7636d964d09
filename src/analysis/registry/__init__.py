"""What was promised, by whom, measured how: params, targets, units, indicators. Imports words only."""
