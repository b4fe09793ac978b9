// Put into a page before anything else of it: what the tests of widgets ask about the elements of one.

window.watch = (() => {
  const CONTROLS = 'button, input, select, textarea, summary, a[href], [tabindex="0"]';
  const SPOKEN = "[role=status], [aria-live=polite]"; // what a screen reader is told, later than the eye sees it
  const [pointed, tried, reached] = [new WeakSet(), new WeakSet(), new Set()];
  const told = [];

  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (/^((pointer|mouse)(down|move|enter|over)|click)$/.test(type)) pointed.add(this);
    return listen.call(this, type, ...rest);
  };
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const line = (target.closest ? target : target.parentElement)?.closest(SPOKEN);
      if (line?.textContent) told.push(line.textContent);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });

  const usable = (control) => control.checkVisibility() && !control.disabled;
  const all = (widget, selector, test) => [...widget.querySelectorAll(selector)].filter(test);
  const named = (elements) => elements.map((element) => element.outerHTML.slice(0, 200));

  // Everything that can be seen of a widget but a control's own state, which the browser changes without our help.
  function seen(widget, control) {
    const lines = all(widget, SPOKEN, () => true);
    for (const line of lines) line.style.display = "none";
    // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not seen
    const words = widget.innerText;
    for (const line of lines) line.style.display = "";
    const pictures = all(widget, "canvas", (canvas) => canvas.checkVisibility()).map((canvas) => canvas.toDataURL());
    const others = all(widget, "input, select, button", (other) => other !== control);
    return [words, pictures, others.map((one) => [one.value, one.checked, one.disabled, one.ariaPressed])].join();
  }

  async function changes(widget, control, before) {
    for (let frame = 0; frame < 20; frame++) {
      await new Promise(requestAnimationFrame);
      if (seen(widget, control) !== before) return true;
    }
    return false;
  }

  // The next control that was not given out yet, also one that only came up when another was used.
  function next(widget) {
    const [control] = all(widget, CONTROLS, (one) => !tried.has(one) && usable(one));
    if (control) tried.add(control);
    return control;
  }

  // Whether the focus is on something of the widget where it has not been yet.
  function advanced(widget) {
    const now = document.activeElement;
    return (widget.contains(now) || !reached.size) && reached.size !== reached.add(now).size;
  }

  function unreached(widget) {
    const byArrows = (one) => one.type === "radio" && [...reached].some((other) => other.name === one.name);
    return named(all(widget, CONTROLS, (one) => usable(one) && !reached.has(one) && !byArrows(one)));
  }

  // What answers the pointer and can never have the focus.
  function pointedOnly(widget) {
    const handlers = ["onclick", "onpointerdown", "onpointermove", "onpointerenter"];
    const answers = (one) => pointed.has(one) || handlers.some((handler) => one[handler]);
    return named(all(widget, ":not([tabindex], button, input, select, textarea, summary, a, label)", answers));
  }

  // Controls without a name, and pictures that are neither described nor part of something that is. Needs axe.setup.
  function nameless(widget) {
    return named(
      all(widget, `${CONTROLS}, canvas, img, svg`, (one) => {
        if (!one.checkVisibility() || one.closest("[aria-hidden=true]")) return false;
        const owner = one.closest("button, a, summary") ?? one;
        const drawn = one === owner && ["CANVAS", "svg"].includes(one.tagName);
        return (drawn && !one.role) || !axe.commons.text.accessibleText(owner).trim();
      }),
    );
  }

  // Top-level selectors of a style sheet that do not begin with own; @media and the like are looked into.
  function strays(css, own) {
    const inside = (one) => one.startsWith(own) && !/^([\w-]|\s*[+~])/.test(one.slice(own.length));
    const outside = (rules) =>
      [...rules].flatMap((rule) => {
        if (rule.selectorText) return apart(rule.selectorText).filter((one) => !inside(one));
        if (rule instanceof CSSKeyframesRule) return rule.name.startsWith("afv-") ? [] : [`@keyframes ${rule.name}`];
        return rule instanceof CSSGroupingRule ? outside(rule.cssRules) : [rule.cssText];
      });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet.cssRules.length ? outside(sheet.cssRules) : ["nothing is in it"];
  }

  // A list of selectors, cut at the commas outside brackets.
  function apart(list) {
    let depth = 0;
    const cut = (c) => {
      depth += "([".includes(c) - ")]".includes(c);
      return c === "," && !depth ? "\n" : c;
    };
    return [...list]
      .map(cut)
      .join("")
      .split("\n")
      .map((one) => one.trim());
  }

  // What is wider than the widget and does not scroll by itself.
  function tooWide(widget) {
    const scrolls = (one) =>
      getComputedStyle(one).overflowX === "auto" || (one !== widget && scrolls(one.parentElement));
    const inside = all(widget, `:not(${SPOKEN})`, (one) => one.scrollWidth > widget.clientWidth && !scrolls(one));
    return named(widget.scrollWidth > widget.clientWidth ? [widget, ...inside] : inside);
  }

  return { told, seen, changes, next, advanced, unreached, pointedOnly, nameless, strays, tooWide };
})();
