"""CDS Hooks 2.0: what a hook asks, what its prefetch holds, and the cards that answer it."""
