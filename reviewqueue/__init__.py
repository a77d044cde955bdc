"""Review Queue: routes AI outputs by measured confidence and sends the doubtful ones to people."""
