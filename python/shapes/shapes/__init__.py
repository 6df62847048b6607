"""The embedded model: captions, renderer, training and export."""
