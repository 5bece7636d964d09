"""What an analyst asks in a notebook, on a finished run or on plain tables; every answer is a table or a figure."""
