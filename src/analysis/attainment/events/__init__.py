"""One event definition for each kind of promise: what exactly must happen, and with what probability it does."""
