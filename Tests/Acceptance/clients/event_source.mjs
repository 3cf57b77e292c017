// Opens an EventSource and reports what happens to it by POST, one after another: event_source.mjs URL REPORTS

export function watch(url, reports) {
  let told = Promise.resolve();
  const tell = (report) => {
    told = told.then(() => fetch(reports, { method: "POST", body: JSON.stringify(report) }));
  };
  const source = new EventSource(url);
  source.onopen = () => tell({ open: true });
  source.onerror = () => tell({ state: source.readyState });
  for (const type of ["message", "gap", "close"]) {
    source.addEventListener(type, ({ data, lastEventId }) => tell({ type, data, id: lastEventId }));
  }
}

if (globalThis.process) { // Node or Deno
  watch(...process.argv.slice(2));
  setInterval(() => {}, 1000); // Node ends if nothing but the time to connect again is waited for
}
