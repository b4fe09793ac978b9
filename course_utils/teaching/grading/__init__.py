"""Grading with nbgrader: a course folder made from the notebooks, and safe examination of submissions.

nbgrader's own commands hand out, collect, grade, give feedback and export. This package adds the parts specific to
the course: ``course_folder`` makes its folder, ``preprocessors`` are its steps for our notebooks, ``submission``
selects the parts of a submission to run, and ``examiner`` runs them in a separate process, ``student_process``, and
judges the results.
"""
