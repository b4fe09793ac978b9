"""The class at a glance: how far the students who share their progress are, and which mistakes they are in.

A student's server (``reporter``) posts what ``records`` reads to a service of the hub (``service``), which answers to
that student's own token alone. ``table`` counts, with the words of ``catalogue``; ``pages`` shows it.
"""
