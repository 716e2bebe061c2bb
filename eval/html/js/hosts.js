// Hosts: a box for every host, a column for every node in it, filled with its items; a slider makes the moves.

/** Draw a view of hosts, items and moves between them. */
function drawHosts(host, view) {
  const items = view.items;
  const sizes = [...new Set(items.size)].sort((one, other) => one - other);
  const nodes = largest(view.node_capacity.map((own) => own.length), 1);
  const cell = { width: nodes * 13 + 9, height: view.hosts.length > 60 ? 62 : 92 };
  let made = 0;
  let places = items.before;
  let drawn = [];

  const where = (own) => `${view.hosts[own[0][0]]} node ${own.map(([, node]) => node).join(" and ")}`;

  /** Who is where after so many moves. */
  function placesAfter(count) {
    const now = [...items.before];
    for (const move of view.moves.slice(0, count)) now[move.item] = move.to;
    return now;
  }

  function layout(width) {
    const across = Math.max(1, Math.floor(width / cell.width));
    return { across, down: Math.ceil(view.hosts.length / across) };
  }

  function corner(place, width) {
    const { across } = layout(width);
    return [(place % across) * cell.width, Math.floor(place / across) * (cell.height + 6)];
  }

  function paint(context, width) {
    drawn = [];
    const [line, page, ink, move, bad] = ["line", "card", "ink", "a1", "bad"].map(theme);
    const full = cell.height - 4;
    const stacks = view.hosts.map((_, place) => view.node_capacity[place].map(() => []));
    places.forEach((own, item) => own.forEach(([place, node]) => stacks[place][node].push(item)));
    const last = made ? view.moves[made - 1] : null;
    const from = last ? placesAfter(made - 1)[last.item] : [];
    const moved = new Set(view.moves.slice(0, made).map((step) => step.item));
    stacks.forEach((own, place) => {
      const [x, y] = corner(place, width);
      own.forEach((stack, node) => {
        const left = x + 2 + node * 13;
        const capacity = view.node_capacity[place][node];
        context.fillStyle = page;
        context.fillRect(left, y, 12, full);
        context.strokeStyle = line;
        context.strokeRect(left + 0.5, y + 0.5, 11, full - 1);
        let level = y + full;
        for (const item of stack.sort((one, other) => items.size[other] - items.size[one] || one - other)) {
          const height = capacity > 0 ? (items.size[item] / capacity) * full : 0;
          level -= height;
          const current = last && last.item === item;
          const plain = () => sizeColour(sizes.indexOf(items.size[item]), sizes.length);
          context.fillStyle = current ? bad : moved.has(item) ? move : plain();
          context.fillRect(left + 1, level + 0.5, 10, Math.max(height - 0.8, 0.6));
          drawn.push({ x: left, y: level, width: 12, height, item, place, node });
        }
        if (from.some(([was, at]) => was === place && at === node)) {
          context.strokeStyle = ink;
          context.setLineDash([2, 2]);
          context.strokeRect(left - 0.5, y - 0.5, 13, full + 1);
          context.setLineDash([]);
        }
      });
    });
  }

  function hit(x, y) {
    const inside = (box) => x >= box.x && x < box.x + box.width && y >= box.y && y < box.y + Math.max(box.height, 2);
    const found = drawn.find(inside);
    if (found) {
      const { item } = found;
      const lines = [
        items.name[item],
        `${exact(items.size[item])} ${view.unit} on ${where(places[item])}`,
        places[item] === items.before[item] ? "" : `before: ${where(items.before[item])}`,
        items.group[item] < 0 ? "" : `group ${items.group[item]}, apart from its others`,
      ];
      return { key: `item ${item}`, lines };
    }
    const { across } = layout(stage.width);
    const column = Math.floor(x / cell.width);
    const place = column < across ? Math.floor(y / (cell.height + 6)) * across + column : -1;
    if (!(place in view.hosts) || place < 0) return null;
    const used = view.node_capacity[place].map(() => 0);
    places.forEach((own, item) => own.forEach(([at, node]) => at === place && (used[node] += items.size[item])));
    const free = view.node_capacity[place].map(
      (capacity, node) => `node ${node}: ${exact(capacity - used[node])} of ${exact(capacity)} ${view.unit} free`,
    );
    return { key: `host ${place}`, lines: [view.hosts[place], ...free] };
  }

  const stage = makeStage(host, {
    label: `${view.hosts.length} hosts with ${items.name.length} items, ${view.moves.length} moves`,
    height: (width) => layout(width).down * (cell.height + 6),
    draw: paint,
    hit,
  });
  const rates = view.free_fragment;
  const told = (count) => {
    const rate = `${rates.label || "rate"} ${percent(rates.rates[count])}`;
    if (!count) return `Before the first of ${view.moves.length} moves: ${rate}`;
    const move = view.moves[count - 1];
    const size = `${exact(items.size[move.item])} ${view.unit}`;
    return `Move ${count} of ${view.moves.length}: ${items.name[move.item]} (${size}) to ${where(move.to)}: ${rate}`;
  };
  const set = (count) => {
    made = Math.round(count);
    places = placesAfter(made);
    stage.redraw();
  };
  const legend = [["moved", "a1"], ["last move", "bad"]].map(([text, name]) => {
    const swatch = el("i", { class: "swatch" });
    swatch.style.background = `var(--${name})`;
    return el("span", { class: "mark" }, swatch, text);
  });
  const texts = (count) => told(Math.round(count));
  makePlayer(host, { end: view.moves.length, step: 1, label: "moves made", texts, change: set });
  const summary = `${rates.label || "Rate"}: ${percent(rates.before)} before, ${percent(rates.after)} after. `;
  host.append(el("p", { class: "hint" }, `${summary}Columns are nodes; darker items are larger. `, ...legend));
}

/** From pale to deep blue by size. */
function sizeColour(place, count) {
  const share = count > 1 ? place / (count - 1) : 0.5;
  return `hsl(212 ${isDark() ? 30 : 45}% ${isDark() ? 38 + 30 * share : 78 - 42 * share}%)`;
}
