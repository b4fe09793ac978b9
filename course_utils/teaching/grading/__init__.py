"""Grading with nbgrader: a course folder made from the notebooks, and submissions examined safely.

nbgrader's own commands hand out, collect, grade, give feedback and export; here stands only what it cannot know:
``course_folder`` makes its folder, ``preprocessors`` are its steps for our notebooks, ``submission`` chooses what of
a submission is run, ``examiner`` runs that in a process of its own, ``student_process``, and judges what comes back.
"""
