"""The vocabulary every other room shares: tables and keys, periods, errors. Imports nothing of ours."""
