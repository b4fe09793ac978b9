// Make scrollable formulas and tables, of the text and of results, reachable by keyboard.
const SCROLLING = 'mjx-container[display="true"], .bd-article :is(table, .text_html > div)';
function reach() {
  for (const element of document.querySelectorAll(SCROLLING)) {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
  }
}
window.addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(reach));
window.addEventListener("resize", reach);

// Widgets and formulas come after the browser has gone to a place of the page, and move it: the page stays there until
// its reader moves. The place: that of the address or, when a page is shown again, that where its reader left it.
function stay(id, top) {
  const place = document.getElementById(id);
  if (!place) return;
  const hold = () => window.scrollBy({ top: place.getBoundingClientRect().top - top, behavior: "instant" });
  const sizes = new ResizeObserver(hold);
  sizes.observe(document.querySelector(".bd-article"));
  for (const moved of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    window.addEventListener(moved, () => sizes.disconnect(), { once: true, passive: true });
  }
}
function leave() {
  const sections = [...document.querySelectorAll(".bd-article section[id]")];
  const last = sections.filter((section) => section.getBoundingClientRect().top < 1).at(-1) ?? sections[0];
  if (last) history.replaceState([last.id, last.getBoundingClientRect().top], "");
}
const { scrollPaddingTop } = getComputedStyle(document.documentElement);
stay(...(history.state ?? [decodeURIComponent(location.hash.slice(1)), Number.parseFloat(scrollPaddingTop) || 0]));
let timer; // when a page is left, it is too late to note where
window.addEventListener("scroll", () => {
  clearTimeout(timer);
  timer = setTimeout(leave, 200);
});

// Paper is white.
let theme;
window.addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = theme;
});

// The theme's buttons that unfold a part of the contents have no name.
for (const button of document.querySelectorAll(".bd-sidebar-primary summary")) {
  button.setAttribute("aria-label", `Pages of ${button.closest("li").querySelector("a").textContent.trim()}`);
}
