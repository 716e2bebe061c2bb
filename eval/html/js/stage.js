// A canvas for schedules with thousands of bars: sharp on every screen, light or dark, with a tooltip.

const MAX_HEIGHT = 16000; // pixels; browsers draw nothing on a canvas that is much higher

/**
 * A canvas as wide as its host.
 * `height(width)` is asked for at every size, `draw(context, width, height)` draws, and `hit(x, y)` says what is at a
 * point: {lines, key} or null. `hovered(hit)` is called when that changes.
 */
function makeStage(host, { label, height, draw, hit, hovered = () => {} }) {
  const canvas = el("canvas", { class: "stage", role: "img", "aria-label": label, tabindex: 0 });
  host.append(canvas);
  const stage = { canvas, width: 0, height: 0, redraw };
  let waiting = false;
  let last = null;

  function redraw() {
    if (waiting || !stage.width) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const context = canvas.getContext("2d");
      context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      context.clearRect(0, 0, stage.width, stage.height);
      context.font = "12px system-ui, sans-serif";
      draw(context, stage.width, stage.height);
    });
  }

  function resize(width) {
    stage.width = width;
    stage.height = Math.min(height(width), MAX_HEIGHT);
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(stage.height * devicePixelRatio);
    canvas.style.height = `${stage.height}px`;
    redraw();
  }

  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const found = hit(event.clientX - box.left, event.clientY - box.top);
    if ((found?.key ?? null) !== last) {
      last = found?.key ?? null;
      hovered(found);
    }
    if (found) tip.show(event.clientX, event.clientY, found.lines);
    else tip.hide();
  });
  canvas.addEventListener("pointerleave", () => {
    tip.hide();
    last = null;
    hovered(null);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  onWidth(host, resize);
  return stage;
}

/** The colour of a job: neighbours in number are far apart on the colour circle. */
function groupColour(group, dark) {
  if (group < 0) return dark ? "#5a6068" : "#b9bec5";
  const lightness = (dark ? 50 : 64) + [0, -9, 7][group % 3];
  return `hsl(${((group * 137.508) % 360).toFixed(1)} ${dark ? 38 : 44}% ${lightness}%)`;
}

const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

/** A text cut to a width. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && context.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

/** A slider with buttons that play it; `change(value)` is called with every new value, then `texts(value)`. */
function makePlayer(host, { end, step, label, texts, change, lasts = 20 }) {
  let playing = 0;
  const range = el("input", { type: "range", min: 0, max: end, step, value: 0, "aria-label": label });
  const text = el("output");
  const button = el("button", { type: "button" }, "play");
  const set = (value) => {
    range.value = value;
    change(Number(range.value));
    text.textContent = texts(Number(range.value));
  };
  const stop = () => {
    cancelAnimationFrame(playing);
    playing = 0;
    button.textContent = "play";
  };
  range.addEventListener("input", () => {
    stop();
    set(Number(range.value));
  });
  button.addEventListener("click", () => {
    if (playing) return stop();
    button.textContent = "pause";
    // from the beginning where it has ended
    let value = Number(range.value) >= end ? 0 : Number(range.value);
    let before = performance.now();
    const tick = (now) => {
      value += ((now - before) / 1000 / lasts) * end;
      before = now;
      set(Math.min(value, end));
      if (value >= end || !range.isConnected) stop();
      else playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
  });
  host.append(el("div", { class: "player" }, button, range), text);
  set(0);
}
