// Scales and axes of the charts.

/** A scale from numbers to pixels with ticks: linear, or logarithmic for positive numbers. */
function makeScale(low, high, from, to, log) {
  if (log && !(low > 0)) log = false;
  if (low === high) {
    const pad = log ? 1.5 : Math.abs(low) * 0.05 || 1;
    [low, high] = log ? [low / pad, high * pad] : [low - pad, high + pad];
  }
  const forward = log ? Math.log10 : (value) => value;
  const [a, b] = [forward(low), forward(high)];
  const scale = (value) => from + ((forward(value) - a) / (b - a)) * (to - from);
  scale.ticks = (count) => (log ? logTicks(low, high, count) : linearTicks(low, high, count));
  scale.inverse = (pixel) => {
    const value = a + ((pixel - from) / (to - from)) * (b - a);
    return log ? 10 ** value : value;
  };
  scale.low = low;
  scale.high = high;
  return scale;
}

/** Multiples of 1, 2 or 5 times a power of ten, at most so many. */
function linearTicks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const ticks = [];
  // counted, for beyond 2^53 a number plus one is the same number
  let k = Math.ceil(low / step - 1e-9);
  for (; k * step <= high + step * 1e-9 && ticks.length < 60; k++) ticks.push(Number((k * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten, with 2 and 5 or more between them where few would be seen. */
function logTicks(low, high, count) {
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, count);
  const factors = decades < 1.5 ? [1, 2, 3, 5, 7] : decades < 3 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / count));
  const ticks = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k += every) {
    for (const factor of factors) {
      const tick = Number((factor * 10 ** k).toPrecision(6));
      if (tick >= low * 0.9999 && tick <= high * 1.0001) ticks.push(tick);
    }
  }
  return ticks;
}

/** Draw both axes of a plot with grid lines and titles; `y` may be null. */
function drawAxes(frame, x, y, xAxis, yAxis) {
  const { left, right, top, bottom } = frame;
  const group = svg("g", { class: "axes" });
  const across = Math.max(3, Math.floor((right - left) / 80));
  const xTicks = xAxis.ticks ?? x.ticks(across).map((tick) => [tick, tickText(tick, xAxis)]);
  let free = -Infinity;
  for (const [tick, text] of xTicks) {
    const at = x(tick);
    group.append(svg("line", { x1: at, x2: at, y1: top, y2: bottom, class: "grid" }));
    // labels that would touch the one before are left out
    const width = 6.2 * text.length;
    if (at - width / 2 < free) continue;
    free = at + width / 2 + 6;
    group.append(svg("text", { x: at, y: bottom + 16, "text-anchor": "middle" }, text));
  }
  group.append(svg("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "line" }));
  group.append(svg("text", { x: right, y: bottom + 33, "text-anchor": "end", class: "title" }, axisTitle(xAxis)));
  if (!y) return group;
  for (const tick of y.ticks(Math.max(3, Math.floor((bottom - top) / 45)))) {
    const at = y(tick);
    group.append(svg("line", { x1: left, x2: right, y1: at, y2: at, class: "grid" }));
    group.append(svg("text", { x: left - 7, y: at + 4, "text-anchor": "end" }, tickText(tick, yAxis)));
  }
  group.append(svg("text", { x: 0, y: top - 10, class: "title" }, axisTitle(yAxis)));
  return group;
}

function axisTitle(axis) {
  const unit = axis.unit && axis.unit !== "s" && axis.unit !== "x" ? ` in ${axis.unit}` : "";
  return `${axis.label}${unit}${axis.log ? " (log scale)" : ""}`;
}

function tickText(tick, axis) {
  if (axis.unit === "s") return seconds(tick);
  return axis.unit === "x" ? `${short(tick, 4)}×` : short(tick, 5);
}
