"""The course as a static site: pages with outputs, and widgets that work without a kernel or another host."""

from course_utils.teaching.site.build import build_site, github_repository
from course_utils.teaching.site.slides import build_slides

__all__ = ["build_site", "build_slides", "github_repository"]
