"""From raw files to checked observations. Imports words and registry."""
