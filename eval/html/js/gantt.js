// Gantt charts: rows over time, bars by job. Two of one instance share their zoom and the job that is pointed at.

const AXIS = 26; // pixels below the rows, for times
const HEAD = 20; // above them, for what marked moments say
const LEAST_SHARE = 1 / 5000; // of the whole time that a view shows at the least

/** What Gantt charts side by side have in common. */
function ganttLink(views) {
  const end = largest(views.map((view) => view.end), 1e-9);
  return { end, from: 0, to: end, group: null, stages: [] };
}

function zoomTo(link, from, to) {
  const span = Math.min(Math.max(to - from, link.end * LEAST_SHARE), link.end);
  link.from = Math.min(Math.max(0, from), link.end - span);
  link.to = link.from + span;
  for (const stage of link.stages) stage.redraw();
}

const zoomBy = (link, factor, at = (link.from + link.to) / 2) =>
  zoomTo(link, at - (at - link.from) * factor, at + (link.to - at) * factor);

/** Draw one view; `link` is of ganttLink. */
function drawGantt(host, view, link) {
  const bars = view.bars;
  const rows = view.rows.map(() => []);
  bars.row.forEach((row, k) => rows[row].push(k));
  const rowHeight = Math.max(6, Math.min(rows.length < 4 ? 48 : 28, Math.floor(420 / Math.max(rows.length, 1))));
  const down = view.styles.indexOf("down");
  const head = view.lines.length ? HEAD : 0;
  const parts = partsOf(view);
  const longest = largest(view.rows.map((name) => name.length), 2);
  const gutter = (width) => Math.min(longest * 7.2 + 12, width * 0.25, 150);
  const room = () => stage.width - gutter(stage.width) - 6;
  const toX = (time) => gutter(stage.width) + ((time - link.from) / (link.to - link.from)) * room();
  const toTime = (x) => link.from + ((x - gutter(stage.width)) / room()) * (link.to - link.from);
  const unit = view.time_unit ? ` ${view.time_unit}` : "";

  function hit(x, y) {
    const row = rows[Math.floor((y - head) / rowHeight)];
    if (!row || x < gutter(stage.width)) return null;
    const [early, late] = [toTime(x - 2), toTime(x + 2)];
    let best = -1;
    for (const k of row) {
      if (bars.start[k] > late || bars.end[k] < early) continue;
      // the shorter one, and work rather than the failure that lies over it
      const size = (item) => bars.end[item] - bars.start[item] + (bars.style[item] === down ? 1e15 : 0);
      if (best < 0 || size(k) < size(best)) best = k;
    }
    return best < 0 ? null : { key: best, group: bars.group[best], lines: tell(best) };
  }

  function tell(k) {
    const style = view.styles[bars.style[k]];
    const text = bars.text.length ? bars.text[k] : "";
    const [start, end] = [bars.start[k], bars.end[k]];
    return [
      bars.group[k] < 0 ? style : view.groups[bars.group[k]],
      view.rows[bars.row[k]],
      `${exact(start)} to ${exact(end)}${unit}: ${exact(end - start)}${unit}`,
      style === "work" || bars.group[k] < 0 || text.includes(style) ? "" : style,
      text,
    ];
  }

  const stage = makeStage(host, {
    label: `Gantt chart of ${view.rows.length} rows and ${bars.row.length} bars, until ${exact(view.end)}${unit}`,
    height: () => head + rows.length * rowHeight + AXIS,
    draw: (context, width) =>
      paintGantt(context, width, { view, parts, rows, rowHeight, head, down, left: gutter(width), toX, link }),
    hit,
    hovered: (found) => {
      link.group = found && found.group >= 0 ? found.group : null;
      for (const other of link.stages) other.redraw();
    },
  });
  link.stages.push(stage);
  steerGantt(stage, link, toTime);
  return stage;
}

/** Where there is one job only, its parts are told apart: text -> place, alike for all agents. */
function partsOf(view) {
  if (view.groups.length > 1 || !view.bars.text.length) return null;
  return new Map([...new Set(view.bars.text)].sort().map((text, place) => [text, place]));
}

function paintGantt(context, width, { view, parts, rows, rowHeight, head, down, left, toX, link }) {
  const bars = view.bars;
  const dark = isDark();
  const bottom = head + rows.length * rowHeight;
  const [ink, quiet, line, page] = ["ink", "quiet", "line", "page"].map(theme);
  paintTimes(context, link, toX, view.time_unit ? ` ${view.time_unit}` : "", head, bottom, width, quiet, line);
  context.save();
  context.beginPath();
  context.rect(left, 0, width - left, bottom);
  context.clip();
  for (const failures of [true, false]) {
    rows.forEach((row, place) => {
      for (const k of row) {
        if ((bars.style[k] === down) !== failures || bars.end[k] < link.from || bars.start[k] > link.to) continue;
        const x = toX(bars.start[k]);
        const box = { x, y: head + place * rowHeight, width: Math.max(toX(bars.end[k]) - x, 1), rowHeight };
        paintBar(context, view, k, box, { parts, dark, ink, page, link, failures });
      }
    });
  }
  paintLines(context, view, toX, left, bottom, ink);
  context.restore();
  context.fillStyle = quiet;
  context.textBaseline = "middle";
  const every = Math.ceil(13 / rowHeight);
  view.rows.forEach((name, place) => {
    if (place % every === 0) context.fillText(fitted(context, name, left - 8), 0, head + (place + 0.5) * rowHeight);
  });
}

function paintBar(context, view, k, { x, y, width, rowHeight }, { parts, dark, ink, page, link, failures }) {
  const group = view.bars.group[k];
  const style = view.styles[view.bars.style[k]];
  // failures lie behind work and reach below it
  const below = view.styles.includes("down") && rowHeight > 12 ? 5 : rowHeight > 8 ? 2 : 1;
  const height = rowHeight - below;
  context.globalAlpha = link.group !== null && link.group !== group ? 0.18 : 1;
  const part = parts && group >= 0 ? parts.get(view.bars.text[k]) : group;
  context.fillStyle = failures ? theme("down") : groupColour(part, dark);
  if (failures) return context.fillRect(x, y, width, rowHeight);
  context.fillRect(x, y, width, height);
  if (style !== "work") paintStyle(context, style, x, y, width, height, ink, page);
  if (width > 3) {
    context.fillStyle = page;
    context.fillRect(x + width - 1, y, 1, height);
  }
  if (height > 11 && width > 22 && group >= 0) {
    const text = parts ? view.bars.text[k] : view.groups[group].replace(/^job /, "");
    if (context.measureText(text).width < width - 6) {
      context.fillStyle = dark ? "#fff" : "#111";
      context.textBaseline = "middle";
      context.fillText(text, Math.max(x, 0) + 4, y + height / 2 + 0.5);
    }
  }
  context.globalAlpha = 1;
}

/** Marks beside the colour: late work has a dark lower edge, what is no work is hatched. */
function paintStyle(context, style, x, y, width, height, ink, page) {
  if (style === "late") {
    context.fillStyle = theme("bad");
    return context.fillRect(x, y + height - Math.max(2, height * 0.16), width, Math.max(2, height * 0.16));
  }
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = style === "blocked" ? page : ink;
  context.lineWidth = style === "blocked" ? 2 : 0.8;
  const [first, last] = [Math.max(x, 0), Math.min(x + width, context.canvas.width)];
  for (let at = first - height; at < last; at += 5) {
    context.beginPath();
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
    context.stroke();
  }
  context.restore();
}

function paintTimes(context, link, toX, unit, head, bottom, width, quiet, line) {
  context.textBaseline = "top";
  for (const tick of linearTicks(link.from, link.to, Math.max(3, Math.floor(width / 110)))) {
    const x = toX(tick);
    context.fillStyle = line;
    context.fillRect(x, head, 1, bottom - head + 4);
    context.fillStyle = quiet;
    const text = short(tick, 8) + unit;
    const wide = context.measureText(text).width;
    context.fillText(text, Math.min(x - wide / 2, width - wide), bottom + 8);
  }
}

function paintLines(context, view, toX, left, bottom, ink) {
  context.textBaseline = "top";
  context.strokeStyle = context.fillStyle = ink;
  context.lineWidth = 1;
  for (const line of view.lines) {
    const x = toX(line.at);
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, bottom);
    context.stroke();
    context.setLineDash([]);
    const width = context.measureText(line.text).width;
    context.fillText(line.text, x - width - 6 > left ? x - width - 6 : x + 6, 3);
  }
}

/** Zoom by wheel (once clicked, or with Ctrl), keys and double click; pan by dragging. */
function steerGantt(stage, link, toTime) {
  const canvas = stage.canvas;
  let dragged = null;
  canvas.addEventListener(
    "wheel",
    (event) => {
      // a page that is scrolled past must not zoom
      if (document.activeElement !== canvas && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const at = toTime(event.clientX - canvas.getBoundingClientRect().left);
      zoomBy(link, Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), at);
    },
    { passive: false },
  );
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    dragged = { x: event.clientX, from: link.from, to: link.to };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const time = ((event.clientX - dragged.x) / stage.width) * (dragged.to - dragged.from);
    if (event.clientX !== dragged.x) zoomTo(link, dragged.from - time, dragged.to - time);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (dragged = null));
  canvas.addEventListener("dblclick", () => zoomTo(link, 0, link.end));
  canvas.addEventListener("keydown", (event) => {
    const span = link.to - link.from;
    const keys = {
      "+": () => zoomBy(link, 0.6),
      "-": () => zoomBy(link, 1 / 0.6),
      0: () => zoomTo(link, 0, link.end),
      ArrowLeft: () => zoomTo(link, link.from - span / 5, link.to - span / 5),
      ArrowRight: () => zoomTo(link, link.from + span / 5, link.to + span / 5),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}

/** Buttons that do the same, and what the marks mean. */
function ganttTools(link, views) {
  const button = (text, label, click) =>
    el("button", { type: "button", "aria-label": label, title: label, click }, text);
  const marks = new Set(views.flatMap((view) => [...new Set(view.bars.style)].map((style) => view.styles[style])));
  marks.delete("work");
  const colours = views.every(partsOf) ? "parts of the job" : "jobs";
  const legend = [...marks].map((mark) => el("span", { class: "mark", "data-mark": mark }, mark));
  return el(
    "div",
    { class: "tools" },
    button("+", "zoom in", () => zoomBy(link, 0.6)),
    button("−", "zoom out", () => zoomBy(link, 1 / 0.6)),
    button("all", "show the whole time", () => zoomTo(link, 0, link.end)),
    el("span", { class: "hint" }, `Click a chart to zoom with the wheel, drag to move. Colours are ${colours}.`),
    ...legend,
  );
}
