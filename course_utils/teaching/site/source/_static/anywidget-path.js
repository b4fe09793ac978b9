// The widget manager loads the module "anywidget" from the folder of this file, not from a CDN.
requirejs.config({ paths: { anywidget: new URL("anywidget", document.currentScript.src).href } });
