"""Taking away what was said, and who somebody was, while every proof stays valid."""
