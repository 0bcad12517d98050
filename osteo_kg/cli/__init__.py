"""The command line: it reads, asks the library, and writes; it decides nothing."""
