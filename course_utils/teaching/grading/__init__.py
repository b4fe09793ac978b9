"""Grading with nbgrader: a course folder made from the notebooks, and safe examination of submissions.

nbgrader's own commands hand out, collect, grade, give feedback and export. This package adds the parts specific to
the course: ``course_folder`` makes its folder, and ``run`` grades a class in one go. For each submission,
``converters`` take nbgrader's steps, ``intake`` reads what was handed in, ``restore`` finds the exercises in it,
``submission`` selects the parts to run, and ``examiner`` runs them in a separate process, ``student_process``, behind
a ``fence``; ``confirm`` judges the results again. ``pages`` shows students' texts safely.
"""
