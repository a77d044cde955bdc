"""What was said in claims and about them: encrypted per claim, its keys and salts in a table of their own."""
