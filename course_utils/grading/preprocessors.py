"""The old place of :mod:`course_utils.teaching.grading.preprocessors`, which instructors' ``nbgrader_config.py`` name."""

from course_utils.teaching.grading.preprocessors import ExamineExercises, RestoreCells, SubmissionExporter

__all__ = ["ExamineExercises", "RestoreCells", "SubmissionExporter"]
