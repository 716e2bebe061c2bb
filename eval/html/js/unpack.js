// Schedules, and the numbers of large sections, are kept as base64 of gzip of JSON; pack.py says how they are made.

/** The JSON value that is packed in a text. */
async function unpackJson(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

/** The schedules of one instance: [{agent, seed, objective, view}]. */
async function unpack(text) {
  const data = await unpackJson(text);
  return data.views.map((item) => ({ ...item, view: restored(filled(item.view, data.columns)) }));
}

/** Put the columns that schedules share back in their places. */
function filled(value, columns) {
  if (Array.isArray(value)) return value.map((item) => filled(item, columns));
  if (value === null || typeof value !== "object") return value;
  if ("$" in value) return columns[value.$];
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, columns)]));
}

/** Starts and ends of bars that hold waits and durations. */
function restored(view) {
  if (view.kind !== "gantt" || !view.bars.wait) return view;
  const { wait, duration, ...bars } = view.bars;
  let before = 0;
  bars.start = wait.map((time, k) => {
    const start = before + time;
    before = start + duration[k];
    return start;
  });
  bars.end = bars.start.map((start, k) => start + duration[k]);
  return { ...view, bars };
}
