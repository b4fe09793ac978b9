"""The former place of ``teaching.grading``; settings written by earlier versions refer to it."""
