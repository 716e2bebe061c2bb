// A map: places, and vehicles that stand there or are on their way; a slider over the time of day.

const MAP_MARGIN = 46;

/** Draw a view of places and legs. */
function drawMap(host, view) {
  const { places, legs } = view;
  const trips = view.vehicles.map(() => []);
  legs.vehicle.forEach((vehicle, k) => trips[vehicle].push(k));
  const [lowX, highX] = extent(places.x);
  const [lowY, highY] = extent(places.y);
  const most = largest(places.size, 1e-9);
  const radius = (place) => 5 + 11 * Math.sqrt(places.size[place] / most);
  let now = 0;
  let found = { flying: [], standing: [] };

  /** Equal scales on both axes, north upwards. */
  function project(place, width, height) {
    const spans = [highX - lowX || 1, highY - lowY || 1];
    const scale = Math.min((width - 2 * MAP_MARGIN) / spans[0], (height - 2 * MAP_MARGIN) / spans[1]);
    const x = width / 2 + (places.x[place] - (lowX + highX) / 2) * scale;
    return [x, height / 2 - (places.y[place] - (lowY + highY) / 2) * scale];
  }

  /** Where every vehicle is: on a leg, or at a place. */
  function locate() {
    found = { flying: [], standing: places.name.map(() => []) };
    trips.forEach((own, vehicle) => {
      let at = view.vehicle_start[vehicle];
      for (const k of own) {
        if (legs.start[k] > now) break;
        if (legs.end[k] > now) return found.flying.push(k);
        at = legs.to[k];
      }
      found.standing[at].push(vehicle);
    });
  }

  function position(k, width, height) {
    const [x1, y1] = project(legs.from[k], width, height);
    const [x2, y2] = project(legs.to[k], width, height);
    const share = (now - legs.start[k]) / (legs.end[k] - legs.start[k] || 1);
    const [x, y] = [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share];
    return { x, y, angle: Math.atan2(y2 - y1, x2 - x1), x1, y1, x2, y2 };
  }

  function paint(context, width, height) {
    const [ink, quiet, line, card, full, empty] = ["ink", "quiet", "line", "card", "a0", "a1"].map(theme);
    context.strokeStyle = line;
    for (const k of found.flying) {
      const { x1, y1, x2, y2 } = position(k, width, height);
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    }
    places.name.forEach((name, place) => {
      const [x, y] = project(place, width, height);
      context.beginPath();
      context.arc(x, y, radius(place), 0, 2 * Math.PI);
      context.fillStyle = card;
      context.fill();
      context.strokeStyle = quiet;
      context.stroke();
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = ink;
      if (found.standing[place].length) context.fillText(String(found.standing[place].length), x, y + 0.5);
      context.fillStyle = quiet;
      context.fillText(fitted(context, name, 110), x, y + radius(place) + 10);
    });
    context.textAlign = "start";
    for (const k of found.flying) {
      const { x, y, angle } = position(k, width, height);
      context.save();
      context.translate(x, y);
      context.rotate(angle);
      context.beginPath();
      context.moveTo(7, 0);
      context.lineTo(-5, 4.5);
      context.lineTo(-5, -4.5);
      context.closePath();
      context.fillStyle = legs.load[k] ? full : card;
      context.fill();
      context.lineWidth = 1.5;
      context.strokeStyle = legs.load[k] ? full : empty;
      context.stroke();
      context.restore();
    }
  }

  const time = (value) => (view.time_unit === "s" ? clock(value + view.clock) : `${short(value)} ${view.time_unit}`);

  function hit(x, y) {
    for (const k of found.flying) {
      const at = position(k, stage.width, stage.height);
      if (Math.hypot(at.x - x, at.y - y) > 9) continue;
      const way = `${places.name[legs.from[k]]} to ${places.name[legs.to[k]]}`;
      const when = `${time(legs.start[k])} to ${time(legs.end[k])}, carries ${legs.load[k]}`;
      const lines = [view.vehicles[legs.vehicle[k]], way, when, legs.text.length ? legs.text[k] : ""];
      return { key: `leg ${k}`, lines };
    }
    const place = places.name.findIndex((_, at) => {
      const [px, py] = project(at, stage.width, stage.height);
      return Math.hypot(px - x, py - y) <= radius(at) + 2;
    });
    if (place < 0) return null;
    const here = found.standing[place].map((vehicle) => view.vehicles[vehicle]);
    const listed = here.length > 8 ? `${here.slice(0, 8).join(", ")}, …` : here.join(", ");
    const size = `size ${exact(places.size[place])}`;
    return { key: `place ${place}`, lines: [places.name[place], `${here.length} standing here`, listed, size] };
  }

  locate();
  const stage = makeStage(host, {
    label: `Map of ${places.name.length} places and ${view.vehicles.length} vehicles with ${legs.vehicle.length} legs`,
    height: (width) => Math.round(Math.min(460, Math.max(260, width * 0.6))),
    draw: paint,
    hit,
  });
  makePlayer(host, {
    end: view.end,
    step: view.end / 2000 || 1,
    label: "time",
    lasts: 40,
    texts: (value) => `${time(value)}: ${found.flying.length} of ${view.vehicles.length} on their way`,
    change: (value) => {
      now = value;
      locate();
      stage.redraw();
    },
  });
  const hint = "Filled arrows carry somebody, hollow ones fly empty; numbers in circles are vehicles that stand there.";
  host.append(el("p", { class: "hint" }, hint));
}
