// The schedules of a section: an instance, an agent, and another one beside it to compare.

/** What a schedule is called in the choice of agents. */
function scheduleName(section, item, several) {
  const parts = [section.agents[item.agent]];
  if (several) parts.push(`seed ${item.seed}`);
  if (item.objective !== null) parts.push(short(item.objective, 7));
  return parts.join(", ");
}

/** Build the panel; the packed schedules are the script elements beside it. */
function schedulePanel(section, host) {
  const packed = [...host.parentNode.querySelectorAll("script[data-instance]")];
  const unpacked = new Map();
  const stageHost = el("div", { class: "views" });
  const status = el("p", { class: "hint", role: "status" });
  const chosen = { instance: 0, left: 0, right: -1 };
  let asked = 0;
  const options = packed.map((item, place) => [place, item.dataset.instance]);
  const [instanceLabel] = select("instance", options, (place) => {
    chosen.instance = place;
    open();
  });
  const agentChoices = el("span");
  const instanceChoice = packed.length > 1 ? instanceLabel : el("bdi", {}, options[0][1]);
  host.append(el("div", { class: "tools" }, instanceChoice, agentChoices), status, stageHost);

  /** Unpack the instance if that has not been done, and show it. */
  async function open() {
    const turn = ++asked;
    const { instance } = chosen;
    status.textContent = "unpacking …";
    try {
      if (!unpacked.has(instance)) unpacked.set(instance, await unpack(packed[instance].textContent));
    } catch (error) {
      status.textContent = `This browser cannot unpack the schedules (${error.message}).`;
      return;
    }
    if (turn !== asked) return; // another one was chosen meanwhile
    status.textContent = "";
    const found = unpacked.get(instance);
    chosen.left = Math.min(chosen.left, found.length - 1);
    chosen.right = Math.min(chosen.right, found.length - 1);
    offer(found);
    show(found);
  }

  function offer(found) {
    const several = new Set(found.map((item) => item.seed)).size > 1;
    const names = found.map((item, place) => [place, scheduleName(section, item, several)]);
    const [left, leftBox] = select("agent", names, (place) => {
      chosen.left = place;
      show(found);
    });
    const [right, rightBox] = select("beside", [[-1, "none"], ...names], (place) => {
      chosen.right = place;
      show(found);
    });
    leftBox.value = chosen.left;
    rightBox.value = chosen.right;
    agentChoices.replaceChildren(left, ...(found.length > 1 ? [right] : []));
  }

  function show(found) {
    const items = [chosen.left, chosen.right].filter((place) => place >= 0).map((place) => found[place]);
    const gantts = items.map((item) => item.view).filter((view) => view.kind === "gantt");
    const link = gantts.length ? ganttLink(gantts) : null;
    stageHost.className = items.length > 1 ? "views two" : "views";
    stageHost.replaceChildren(...(link ? [ganttTools(link, gantts)] : []));
    for (const item of items) {
      const box = el("div", { class: "view" });
      box.append(el("h4", {}, el("bdi", {}, scheduleName(section, item, false))));
      stageHost.append(box);
      const draw = { gantt: drawGantt, hosts: drawHosts, map: drawMap }[item.view.kind];
      draw(box, item.view, link);
      if (item.view.cut) box.append(el("p", { class: "hint" }, "Only the beginning is shown; the rest was not kept."));
    }
  }
  open();
}
