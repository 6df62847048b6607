"""From a diffusers folder to a mixcache bundle (docs/bundle-format.md)."""
