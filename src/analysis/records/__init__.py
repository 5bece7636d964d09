"""What was run, known and said before: store, manifest, scorecard. Imports words and forecasting.scores."""
