// Bring the page to life: everything that costs time is built when it comes near the window.

const data = JSON.parse(document.getElementById("data").textContent);

/** Build a part once, when it is near; `all()` builds what is left, for printing. */
const waiting = new Map();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) if (entry.isIntersecting) build(entry.target);
  },
  { rootMargin: "600px" },
);

function later(host, make) {
  waiting.set(host, make);
  watcher.observe(host);
}

function build(host) {
  const make = waiting.get(host);
  if (!make) return;
  waiting.delete(host);
  watcher.unobserve(host);
  make();
}

addEventListener("beforeprint", () => {
  for (const host of [...waiting.keys()]) if (host.dataset.part !== "schedules") build(host);
});

for (const entry of data) {
  const root = document.getElementById(entry.id);
  for (const table of root.querySelectorAll("table.board")) sortable(table);
  for (const swatch of root.querySelectorAll("i.swatch[data-agent]")) {
    swatch.style.background = agentColour(Number(swatch.dataset.agent));
  }
  const packed = root.querySelector("script[data-section]");
  if (packed) {
    const failed = (error) => packed.before(`This browser cannot unpack the numbers (${error.message}).`);
    unpackJson(packed.textContent).then((section) => fillSection(section, root), failed);
  } else fillSection(entry, root);
}

/** Say what is to be built in a section. */
function fillSection(section, root) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  later(part("charts"), () => {
    for (const chart of section.charts) drawChart(section, chart, part("charts"));
  });
  later(part("rows"), () => runTable(section, part("rows")));
  if (part("schedules")) later(part("schedules"), () => schedulePanel(section, part("schedules")));
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const code = button.parentNode.querySelector("code");
    const selection = getSelection();
    selection.selectAllChildren(code);
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      document.execCommand("copy"); // where the page may not write to the clipboard by itself
    }
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "copy"), 1500);
  });
}
