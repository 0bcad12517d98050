"""Cohorts: a nation's patients decided by their situations.

Only the abstraction is compiled to columns: from a record to its situation, and to the notices that it may raise.
The bands come from the loaded criteria and limits; lists of entries are collected, read once each by the library and
joined back. Every different situation is answered once by the engine. What cannot be read off columns with
certainty goes one by one through the library itself.
"""
