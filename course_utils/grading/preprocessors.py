"""The former place of :mod:`course_utils.teaching.grading.preprocessors`, for older ``nbgrader_config.py`` files."""

from course_utils.teaching.grading.preprocessors import ExamineExercises, RestoreCells, SubmissionExporter

__all__ = ["ExamineExercises", "RestoreCells", "SubmissionExporter"]
