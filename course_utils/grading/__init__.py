"""Where grading was until it moved to ``teaching``; settings written by earlier versions name it."""
