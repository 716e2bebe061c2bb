// Charts in SVG: points and lines over two axes, and strips with boxes. What they show is prepared in charts.py.

const CHART_HEIGHT = 330;
const LEAST_FOR_BOX = 5; // instances
const NEAR = 30; // pixels from the pointer within which a point is told about

/** A chart with its title, a choice of what it shows, a legend that switches agents, and a tooltip. */
function drawChart(section, chart, host) {
  const hidden = new Set();
  let choice = 0;
  let width = 0;
  const canvas = el("div", { class: "plot" });
  const legend = el("div", { class: "legend", role: "group", "aria-label": "Agents drawn" });

  function redraw() {
    if (!width) return;
    const shown = chart.choices[choice];
    const drawn = { ...shown, series: shown.series.filter((series) => !hidden.has(series.agent)) };
    canvas.replaceChildren((shown.kind === "strip" ? drawStrips : drawLines)(section, drawn, width, chart.title));
  }

  function redrawLegend() {
    const agents = [...new Set(chart.choices.flatMap((item) => item.series.map((series) => series.agent)))];
    const toggles = agents.map((place) =>
      agentSwitch(section.agents[place], place, (on) => {
        if (on) hidden.delete(place);
        else hidden.add(place);
        redraw();
      }),
    );
    legend.replaceChildren(...toggles);
  }

  const head = el("div", { class: "head" }, el("h3", {}, chart.title));
  if (chart.choices.length > 1) {
    const options = chart.choices.map((item, place) => [place, item.name]);
    const [label] = select("of", options, (place) => {
      choice = place;
      redraw();
    });
    head.append(label);
  }
  host.append(el("figure", { class: "chart" }, head, canvas, legend, el("figcaption", {}, chart.note)));
  redrawLegend();
  onWidth(canvas, (now) => {
    width = now;
    redraw();
  });
}

/** The smallest and largest of many numbers; nothing counts as 0 to 1. */
function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

function padded([low, high], log) {
  if (log && low > 0) {
    const pad = Math.max((high / low) ** 0.05, 1.02);
    return [low / pad, high * pad];
  }
  const pad = (high - low) * 0.06;
  return [low >= 0 && low - pad < 0 ? 0 : low - pad, high + pad];
}

function newPlot(width, height, title) {
  return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
}

/** Tell about the nearest of some points {x, y, lines} while the pointer moves. */
function hovering(plot, points, ring) {
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let best = null;
    let least = NEAR ** 2;
    for (const point of points) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) [best, least] = [point, distance];
    }
    ring.setAttribute("visibility", best ? "visible" : "hidden");
    if (!best) return tip.hide();
    ring.setAttribute("cx", best.x);
    ring.setAttribute("cy", best.y);
    tip.show(event.clientX, event.clientY, best.lines());
  });
  plot.addEventListener("pointerleave", () => {
    ring.setAttribute("visibility", "hidden");
    tip.hide();
  });
}

/** Points, lines and steps over two axes. */
function drawLines(section, shown, width, title) {
  const frame = { left: 58, right: width - 14, top: 28, bottom: CHART_HEIGHT - 40 };
  const all = (key) => shown.series.flatMap((series) => series[key] ?? []);
  const x = makeScale(...padded(extent(all("x")), shown.x.log), frame.left, frame.right, shown.x.log);
  const high = padded(extent([...all("y"), ...all("low"), ...all("high")]), shown.y.log);
  const y = makeScale(...high, frame.bottom, frame.top, shown.y.log);
  const plot = newPlot(width, CHART_HEIGHT, `${title}: ${shown.y.label} against ${shown.x.label}`);
  plot.append(drawAxes(frame, x, y, shown.x, shown.y));
  if (shown.front) plot.append(svg("polyline", { points: path(shown.front, x, y), class: "front" }));
  const points = [];
  for (const series of shown.series) drawSeries(plot, section, shown, series, x, y, points);
  const ring = svg("circle", { r: 9, class: "ring", visibility: "hidden" });
  plot.append(ring);
  hovering(plot, points, ring);
  return plot;
}

const path = (series, x, y) => series.x.map((at, k) => `${x(at).toFixed(1)},${y(series.y[k]).toFixed(1)}`).join(" ");

function drawSeries(plot, section, shown, series, x, y, points) {
  const colour = agentColour(series.agent);
  const low = series.low;
  if (low && series.draw === "line" && series.x.length > 1) {
    const back = { x: [...series.x].reverse(), y: [...low].reverse() };
    const around = `${path({ x: series.x, y: series.high }, x, y)} ${path(back, x, y)}`;
    plot.append(svg("polygon", { points: around, fill: colour, class: "band" }));
  }
  if (series.draw !== "points") {
    const drawn = series.draw === "steps" ? stepped(series) : series;
    const looks = { stroke: colour, "stroke-dasharray": agentDash(series.agent), class: "curve" };
    plot.append(svg("polyline", { points: path(drawn, x, y), ...looks }));
  }
  series.x.forEach((at, k) => {
    const [px, py] = [x(at), y(series.y[k])];
    if (low && series.draw === "points") {
      const ends = { x1: px, x2: px, y1: y(low[k]), y2: y(series.high[k]) };
      plot.append(svg("line", { ...ends, stroke: colour, class: "whisker" }));
    }
    // a curve of many steps has a marker at its ends only
    if (series.draw !== "steps" || k === series.x.length - 1) plot.append(marker(series.agent, px, py));
    const value = (number) => withUnit(number, shown.y.unit);
    const lines = () => [
      section.agents[series.agent],
      `${shown.y.label}: ${value(series.y[k])}`,
      low && low[k] !== series.high[k] ? `95 % interval: ${value(low[k])} to ${value(series.high[k])}` : "",
      `${shown.x.label}: ${withUnit(at, shown.x.unit)}`,
    ];
    points.push({ x: px, y: py, lines });
  });
}

/** A line that stays where it is until the next point. */
function stepped(series) {
  const result = { x: [], y: [] };
  series.x.forEach((at, k) => {
    if (k) {
      result.x.push(at);
      result.y.push(series.y[k - 1]);
    }
    result.x.push(at);
    result.y.push(series.y[k]);
  });
  return result;
}

/** A row per agent: the instances as points, a box, the mean. */
function drawStrips(section, shown, width, title) {
  const names = shown.series.map((series) => section.agents[series.agent]);
  const label = Math.min(largest(names.map((name) => name.length), 4) * 6.6 + 14, width * 0.36);
  const row = Math.max(24, Math.min(44, (CHART_HEIGHT - 60) / Math.max(shown.series.length, 1)));
  const frame = { left: label, right: width - 14, top: 12, bottom: 12 + row * shown.series.length };
  const wide = padded(extent(shown.series.flatMap((series) => series.values)), shown.x.log);
  const x = makeScale(...wide, frame.left, frame.right, shown.x.log);
  const plot = newPlot(width, frame.bottom + 40, `${title}: ${shown.x.label} per agent`);
  plot.append(drawAxes(frame, x, null, shown.x, null));
  const points = [];
  const room = Math.floor((label - 12) / 6.6);
  shown.series.forEach((series, place) => {
    const middle = frame.top + row * (place + 0.5);
    const name = names[place].length > room ? `${names[place].slice(0, room - 1)}…` : names[place];
    plot.append(svg("text", { x: label - 8, y: middle + 4, "text-anchor": "end", class: "name" }, name));
    drawStrip(plot, section, shown, series, x, middle, row, points);
  });
  const ring = svg("circle", { r: 6, class: "ring", visibility: "hidden" });
  plot.append(ring);
  hovering(plot, points, ring);
  return plot;
}

function drawStrip(plot, section, shown, series, x, middle, row, points) {
  const colour = agentColour(series.agent);
  const half = row * 0.3;
  series.values.forEach((value, k) => {
    // a spread by the place in the list: the same at every drawing, and no two neighbours alike
    const py = middle + (((k * 0.618) % 1) - 0.5) * row * 0.5;
    plot.append(svg("circle", { cx: x(value).toFixed(1), cy: py.toFixed(1), r: 2.4, fill: colour, class: "dot" }));
    const lines = () => [
      section.agents[series.agent],
      section.instances[series.instances[k]],
      `${shown.x.label}: ${withUnit(value, shown.x.unit)}`,
    ];
    points.push({ x: x(value), y: py, lines });
  });
  // a box of a few points would claim more than they say
  if (series.count >= LEAST_FOR_BOX) drawBox(plot, series.box.map(x), middle, half);
  const mean = `translate(${x(series.mean).toFixed(1)} ${middle})`;
  plot.append(svg("path", { d: MARKERS[3](3.4), transform: mean, class: "mean" }));
  const of = (value) => withUnit(value, shown.x.unit);
  const lines = () => [
    section.agents[series.agent],
    `mean ${of(series.mean)}, median ${of(series.box[2])}`,
    `middle half: ${of(series.box[1])} to ${of(series.box[3])}`,
    `${series.count} instances`,
  ];
  points.push({ x: x(series.mean), y: middle, lines });
}

function drawBox(plot, [low, first, median, last, high], middle, half) {
  const line = (x1, x2, y1, y2, name) => plot.append(svg("line", { x1, x2, y1, y2, class: name }));
  line(low, first, middle, middle, "box");
  line(last, high, middle, middle, "box");
  const size = { width: Math.max(last - first, 0.5), height: 2 * half };
  plot.append(svg("rect", { x: first, y: middle - half, ...size, class: "box" }));
  line(median, median, middle - half, middle + half, "median");
}
