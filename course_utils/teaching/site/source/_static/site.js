// Make scrollable formulas and tables reachable by keyboard.
function reach() {
  for (const element of document.querySelectorAll('mjx-container[display="true"], .bd-article table')) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
  }
}
window.addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reach));
window.addEventListener("resize", reach);
