"""A demo for a lecture: a widget on the whole screen, in a page without a kernel, with its question,
votes and script."""
