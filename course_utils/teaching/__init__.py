"""Tools for teachers: grading, the site, slides, demos, a hub, a load test."""
