"""Charts as inline SVG: one module a question, all text horizontal, every chart with title, description and table."""
