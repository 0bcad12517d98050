"""The views: each translates a request for the library or the store, and what they answer back into a response."""
