"""The HTML edge: pages that work without JavaScript, made quick by htmx."""
