"""What a teacher needs: grading, the site, slides, demos, a hub, a load test."""
