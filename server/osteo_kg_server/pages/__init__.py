"""Pages for people: their layout, templates and static files, and the views that make them.

Every page works without JavaScript, asks nothing of another origin, and names its data with `link rel=alternate`.
"""
