"""What a pipeline masks before anything is stored: rules, what they find in texts, what is left. Pure."""
