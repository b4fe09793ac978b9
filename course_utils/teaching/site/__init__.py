"""The course as a static site and as slides, with widgets that work without a kernel or another host."""

from course_utils.teaching.site.build import build_site, github_repository
from course_utils.teaching.site.slides import build_slides, print_slides

__all__ = ["build_site", "build_slides", "github_repository", "print_slides"]
