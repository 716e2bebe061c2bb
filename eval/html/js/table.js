// Tables that sort: those of the page's HTML, and the long one of every run that also filters.

const PAGE_ROWS = 400;

/** Compare with nothing (null, an empty cell) always last. */
function compareValues(one, other, downwards) {
  const none = (value) => value === null || value === undefined || value === "";
  if (none(one) || none(other)) return Number(none(one)) - Number(none(other));
  const order = typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other;
  return downwards ? -order : order;
}

/** Turn a heading into a button that sorts; `sort(downwards)` is called with the direction. */
function sortingHeading(heading, sort) {
  const button = el("button", { type: "button" }, ...heading.childNodes);
  heading.replaceChildren(button);
  button.addEventListener("click", () => {
    const downwards = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", downwards ? "descending" : "ascending");
    sort(downwards);
  });
}

/** Make a table of the page sortable: numbers are in data-value, texts in the cells. */
function sortable(table) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const text = heading.hasAttribute("data-text");
    const value = (row) => {
      const cell = row.cells[column];
      if (text) return cell.textContent.trim();
      return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    };
    sortingHeading(heading, (downwards) => {
      body.append(...[...body.rows].sort((one, other) => compareValues(value(one), value(other), downwards)));
    });
  });
}

/** The columns of the table of runs: what they are called, sort by and say. */
function runColumns(section) {
  const data = section.table;
  const name = (list, values) => (row) => list[values[row]];
  const some = (values) => values.some((value) => value !== null);
  const columns = [
    { name: "instance", text: true, value: name(section.instances, data.instance) },
    { name: "agent", text: true, value: name(section.agents, data.agent), agent: (row) => data.agent[row] },
    { name: "seed", value: (row) => data.seed[row], show: String },
    { name: "objective", value: (row) => data.objective[row], show: exact },
  ];
  if (some(data.bound)) columns.push({ name: "bound", value: (row) => data.bound[row], show: exact });
  if (some(data.gap)) columns.push({ name: "gap", value: (row) => data.gap[row], show: percent });
  const time = section.race ? "last improvement" : "seconds";
  columns.push({ name: time, value: (row) => data.seconds[row], show: seconds });
  if (data.feasible.includes(0)) {
    columns.push({ name: "feasible", value: (row) => data.feasible[row], show: (value) => (value ? "yes" : "NO") });
  }
  if (data.error) columns.push({ name: "error", text: true, value: (row) => data.error[row] });
  for (const measure of data.measures) {
    columns.push({
      name: measure.name,
      value: (row) => measure.values[row],
      show: measure.share ? percent : (value) => short(value, 6),
    });
  }
  return columns;
}

/** The table of every run, with a filter, a switch per agent and a download. */
function runTable(section, host) {
  const columns = runColumns(section);
  const count = section.table.seed.length;
  const hidden = new Set();
  let order = Array.from({ length: count }, (_, row) => row);
  let limit = PAGE_ROWS;
  let matching = order;

  const texts = order.map((row) => `${columns[0].value(row)} ${columns[1].value(row)}`.toLowerCase());
  const body = el("tbody");
  const status = el("span", { class: "count", "aria-live": "polite" });
  const more = el("button", { type: "button", class: "more", click: () => show((limit = Infinity)) }, "show all");
  const filter = el("input", {
    type: "search",
    placeholder: "filter: ta01 ppo",
    "aria-label": "Filter by words of instance and agent",
    input: () => show((limit = PAGE_ROWS)),
  });

  const headings = columns.map((column) => {
    const heading = el("th", { scope: "col" }, column.name);
    sortingHeading(heading, (downwards) => {
      // from the order that is there: sorting by agent, then by gap keeps the agents in order among equal gaps
      order.sort((one, other) => compareValues(column.value(one), column.value(other), downwards));
      show();
    });
    return heading;
  });

  function cells(row) {
    return columns.map((column) => {
      const value = column.value(row);
      if (!column.text) return el("td", {}, column.show(value));
      if (column.name === "error") return el("td", { class: "text" }, el("bdi", {}, value));
      if (!column.agent) return el("th", { scope: "row" }, el("bdi", {}, value));
      const swatch = el("i", { class: "swatch" });
      swatch.style.background = agentColour(column.agent(row));
      return el("td", { class: "text" }, swatch, el("bdi", {}, value));
    });
  }

  function show() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = order.filter(
      (row) => !hidden.has(section.table.agent[row]) && words.every((word) => texts[row].includes(word)),
    );
    body.replaceChildren(...matching.slice(0, limit).map((row) => el("tr", {}, ...cells(row))));
    const shown = Math.min(limit, matching.length);
    const part = shown < matching.length ? `, the first ${shown} shown` : "";
    status.textContent = `${matching.length} of ${count} runs${part}`;
    more.hidden = shown === matching.length;
  }

  const toggles = section.agents.map((agent, place) =>
    agentSwitch(agent, place, (on) => {
      if (on) hidden.delete(place);
      else hidden.add(place);
      show();
    }),
  );
  const download = el("button", { type: "button", click: () => downloadCsv(columns, matching, section.id) }, "CSV");
  const head = el("thead", {}, el("tr", {}, ...headings));
  host.append(
    el("div", { class: "tools" }, filter, status, download),
    el("div", { class: "legend", role: "group", "aria-label": "Agents shown" }, ...toggles),
    el("div", { class: "scroll tall" }, el("table", { class: "runs" }, head, body)),
    more,
  );
  show();
}

/** A button with an agent's colour and marker that switches it off and on. */
function agentSwitch(agent, place, change) {
  const size = { width: 14, height: 14, viewBox: "-7 -7 14 14", "aria-hidden": "true" };
  const icon = svg("svg", size, marker(place, 0, 0));
  const button = el("button", { type: "button", "aria-pressed": "true" }, icon, el("bdi", {}, agent));
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(on));
    change(on);
  });
  return button;
}

/** Save the rows that are shown, in their order. */
function downloadCsv(columns, rows, name) {
  const cell = (value) => {
    if (typeof value !== "string") return value === null || value === undefined ? "" : String(value);
    // a spreadsheet would run what begins like a formula
    const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = rows.map((row) => columns.map((column) => cell(column.value(row))).join(","));
  const text = [columns.map((column) => cell(column.name)).join(","), ...lines].join("\n");
  const url = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" }));
  el("a", { href: url, download: `schedlab-${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
