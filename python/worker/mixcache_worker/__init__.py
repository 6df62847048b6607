"""The torch segment worker: runs a model's programs for an engine in another process (docs/segment-backend.md)."""
