"""The networks: graph tensors in, logits and a value out. Nothing here knows a problem by name."""
