// A widget without its kernel: JupyterLab writes "model not found" in its place. This extension shows the HTML that
// the output has for such a case instead. When the kernel returns, JupyterLab replaces it by the widget.

const HERE = document.currentScript.src;
const LOST = ["Error displaying widget: model not found", "Error displaying widget"];
const LOADING = "Loading widget...";
const PATIENCE = 3000; // milliseconds for which a widget may load
const PLACE = ".jp-OutputArea-output";

const isStuck = (node, texts) => !node.childElementCount && texts.includes(node.textContent);

// The saved output that is displayed in a node, and the panel that it belongs to.
function outputOf(app, node) {
  for (const panel of app.shell.widgets("main")) {
    const cell = panel.content?.widgets?.find((each) => each.node.contains(node));
    const place = cell?.outputArea?.widgets.findIndex((each) => each.node.contains(node)) ?? -1;
    if (place >= 0) return { panel, output: cell.outputArea.model.get(place) };
  }
  return {};
}

async function showStill(app, node) {
  const { panel, output } = outputOf(app, node);
  const status = panel?.sessionContext.session?.kernel?.status ?? "dead";
  if (!output?.data["text/html"] || (isStuck(node, [LOADING]) && status !== "dead")) return; // it is only busy
  const renderer = panel.content.rendermime.createRenderer("text/html"); // removes scripts unless the output is trusted
  await renderer.renderModel(output);
  if (isStuck(node, [...LOST, LOADING])) node.replaceChildren(renderer.node);
}

function activate(app) {
  const look = (node) => {
    if (isStuck(node, LOST)) showStill(app, node);
    else if (isStuck(node, [LOADING])) setTimeout(() => isStuck(node, [LOADING]) && showStill(app, node), PATIENCE);
  };
  const watch = new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target.matches?.(PLACE)) look(target);
      for (const node of addedNodes) for (const place of node.querySelectorAll?.(PLACE) ?? []) look(place);
    }
  });
  app.restored.then(() => watch.observe(document.body, { childList: true, subtree: true }));
}

// What JupyterLab expects of an extension that was built: a container of modules.
window._JUPYTERLAB ??= {};
window._JUPYTERLAB["attention-for-vision"] = {
  init: () => {
    import(new URL("abort-signal.js", HERE)); // before the first widget, but JupyterLab must not wait for it
  },
  get: async () => () => ({
    __esModule: true,
    default: { id: "attention-for-vision:still", autoStart: true, activate },
  }),
};
