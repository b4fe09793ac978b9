// Where the widgets' manager finds the module "anywidget": beside this file, not on a CDN.
requirejs.config({ paths: { anywidget: new URL("anywidget", document.currentScript.src).href } });
