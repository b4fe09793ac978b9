// A widget without its kernel: JupyterLab writes "model not found" in its place. This extension shows the HTML that
// the output has for such a case instead, once the kernel has said that it has no such widget. If it has one,
// JupyterLab gave up too early, on a busy machine, and looks again. When the kernel returns, so does the widget.

const HERE = document.currentScript.src;
const LOST = ["Error displaying widget: model not found", "Error displaying widget"];
const LOADING = "Loading widget...";
const PATIENCE = 3000; // milliseconds for which a widget may load
const PLACE = ".jp-OutputArea-output";
const VIEW = "application/vnd.jupyter.widget-view+json";
const FROM_KERNEL = { loadKernel: true, loadNotebook: false };

const isStuck = (node, texts) => !node.childElementCount && texts.includes(node.textContent);

// The saved output that is displayed in a node, its renderer, and the panel that it belongs to.
function outputOf(app, node) {
  for (const panel of app.shell.widgets("main")) {
    const area = panel.content?.widgets?.find((each) => each.node.contains(node))?.outputArea;
    const place = area?.widgets.findIndex((each) => each.node.contains(node)) ?? -1;
    if (place < 0) continue;
    const renderer = area.widgets[place].widgets?.find((each) => each.node === node);
    return { panel, output: area.model.get(place), renderer };
  }
  return {};
}

// Whether the kernel has the widget: a busy one answers when it is done, and one that is not there yet is waited for.
async function kernelHas(panel, id) {
  await panel.sessionContext.ready;
  try {
    const reply = await panel.sessionContext.session?.kernel?.requestCommInfo({ target_name: "jupyter.widget" });
    return id in (reply?.content.comms ?? {});
  } catch {
    return false; // it ended meanwhile
  }
}

const again = new WeakSet(); // renderers that were made to look again

async function settle(app, node) {
  const { panel, output, renderer } = outputOf(app, node);
  const id = output?.data[VIEW]?.model_id;
  if (!renderer || !id || !output.data["text/html"]) return;
  if (!(await kernelHas(panel, id))) return showStill(panel, output, node, renderer, id);
  const manager = await renderer._manager.promise;
  if (!manager.has_model(id)) await manager.restoreWidgets(panel.content.model, FROM_KERNEL);
  if (!isStuck(node, LOST)) return; // it loads
  if (again.has(renderer)) return showStill(panel, output, node, renderer, id);
  again.add(renderer);
  renderer.renderModel(output);
}

async function showStill(panel, output, node, renderer, id) {
  const still = panel.content.rendermime.createRenderer("text/html"); // removes scripts unless the output is trusted
  await still.renderModel(output);
  if (!isStuck(node, [...LOST, LOADING])) return;
  node.replaceChildren(still.node);
  const manager = await renderer._manager.promise;
  manager.restored.connect(() => {
    if (manager.has_model(id) && node.contains(still.node)) renderer.renderModel(output);
  });
}

function activate(app) {
  const look = (node) => {
    if (isStuck(node, LOST)) settle(app, node);
    else if (isStuck(node, [LOADING])) setTimeout(() => isStuck(node, [LOADING]) && settle(app, node), PATIENCE);
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
