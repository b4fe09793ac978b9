// AbortSignal.any, which anywidget 0.11 calls for every view: Safari has it from 17.4, Firefox from 124, Chromium from 116.
AbortSignal.any ??= (signals) => {
  const controller = new AbortController();
  for (const signal of signals) {
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true, signal: controller.signal });
  }
  return controller.signal;
};
