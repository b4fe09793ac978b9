// What anywidget 0.11 asks of AbortSignal, where it does not get it.

// For every view: Safari has it from 17.4, Firefox from 124, Chromium from 116.
AbortSignal.any ??= (signals) => {
  const controller = new AbortController();
  for (const signal of signals) {
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true, signal: controller.signal });
  }
  return controller.signal;
};

// It gives a widget up that is not ready after two seconds; a busy or an old machine takes longer, and gets a minute.
const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (milliseconds) => timeout(milliseconds === 2000 ? 60_000 : milliseconds);
