"""HTTP in front of the app: connections that a parser in C reads, and threads that call the app."""
