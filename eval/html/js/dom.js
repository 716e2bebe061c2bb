// Elements are made with createElement and filled with textContent only: names in results may come from strangers.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes (functions become listeners) and children (strings become text). */
function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A colour or a size that the style sheet defines, light or dark. */
function theme(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const PALETTE = 8;
/** The colour of an agent by its place; after eight they repeat, with other markers and dashes. */
const agentColour = (place) => `var(--a${place % PALETTE})`;
const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const agentDash = (place) => DASHES[Math.floor(place / PALETTE) % DASHES.length];

const MARKERS = [
  (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
  (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (r) => `M0 ${-1.3 * r}L${1.2 * r} ${0.9 * r}H${-1.2 * r}z`,
  (r) => `M0 ${-1.35 * r}L${1.35 * r} 0L0 ${1.35 * r}L${-1.35 * r} 0z`,
  (r) => `M0 ${1.3 * r}L${1.2 * r} ${-0.9 * r}H${-1.2 * r}z`,
  (r) => `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`,
  (r) => `M0 ${-1.2 * r}V${1.2 * r}M${-1.2 * r} 0H${1.2 * r}`,
];

/** The marker of an agent: told apart also without colours. */
function marker(place, x, y, r = 4.5) {
  const shape = place % MARKERS.length;
  const open = shape >= 5;
  const colour = agentColour(place);
  return svg("path", {
    d: MARKERS[shape](r),
    transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
    class: "marker",
    fill: open ? "none" : colour,
    stroke: open ? colour : "var(--page)",
    "stroke-width": open ? 2 : 1,
  });
}

/** The one tooltip of the page. */
const tip = {
  box: null,

  /** Show lines of text beside a point of the window; the first is a heading. */
  show(x, y, lines) {
    if (!this.box) {
      this.box = el("div", { id: "tip", role: "tooltip" });
      document.body.append(this.box);
    }
    this.box.replaceChildren(...lines.filter(Boolean).map((line, at) => el(at ? "div" : "b", {}, line)));
    this.box.hidden = false;
    const { width, height } = this.box.getBoundingClientRect();
    const left = x + 14 + width > innerWidth ? x - 14 - width : x + 14;
    this.box.style.left = `${Math.max(4, left)}px`;
    this.box.style.top = `${Math.max(4, Math.min(y + 14, innerHeight - height - 4))}px`;
  },

  hide() {
    if (this.box) this.box.hidden = true;
  },
};
addEventListener("scroll", () => tip.hide(), { passive: true });
addEventListener("keydown", (event) => event.key === "Escape" && tip.hide());

/** Call something with an element's width now and whenever that changes. */
function onWidth(element, draw) {
  let last = 0;
  new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width > 0 && width !== last) draw((last = width));
  }).observe(element);
}

/** The largest of any number of values; Math.max takes only so many. */
const largest = (values, least = 0) => values.reduce((most, value) => (value > most ? value : most), least);

/** A labelled choice; `options` are [value, text] pairs. */
function select(label, options, change) {
  const box = el("select", { change: () => change(Number(box.value)) });
  box.append(...options.map(([value, text]) => el("option", { value }, text)));
  return [el("label", { class: "choice" }, `${label} `, box), box];
}
