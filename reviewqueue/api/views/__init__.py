"""One module per noun, one class per resource."""
