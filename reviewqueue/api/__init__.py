"""The REST edge: one view class per operation, everything else in services and selectors."""
