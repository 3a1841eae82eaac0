// The annotation viewer: asks Python for the pages it needs, and draws, filters and zooms by itself.
// Names of classes and files are text, never HTML.
const KEPT = 8; // pages held at a time
const HELP = [
  ["\u2190 \u2192, p n", "file before, after"], ["Home, End", "first, last file"], ["Page Up, Page Down", "file of a video"],
  ["\u2191 \u2193", "select an annotation"], ["1 to 9, 0", "a class, all classes"], ["[ ]", "opacity"], ["+ \u2212 f", "zoom, fit"],
  ["Space", "play or stop a sound"], ["g", "thumbnails"], ["o", "list of objects"], ["s, d", "side by side, next difference"], ["Esc", "close this, then back to the cell"],
];

function render({ model, el }) {
  const root = element("div", el, "", { class: "labellerr-viewer", tabindex: "0", role: "application" });
  root.setAttribute("aria-label", "Labellerr annotation viewer");
  const get = (name) => model.get(name), save = () => model.save_changes();
  const set = (name, value) => { model.set(name, value); save(); }; // what is shown follows from the change
  const packets = new Map();
  let view = null, dragging = null, hovered = null, asked = false, wanted = -1;

  // --- what there is to see

  const bar = element("div", root, "", { class: "bar" });
  const button = (parent, text, title, action) => {
    const node = element("button", parent, text, { type: "button", title });
    node.addEventListener("click", action);
    return node;
  };
  const previous = button(bar, "\u2039 Previous", "Previous file (left arrow or p)", () => go(get("index") - 1));
  const next = button(bar, "Next \u203a", "Next file (right arrow or n)", () => go(get("index") + 1));
  const gridButton = button(bar, "Thumbnails", "Thumbnails (g)", () => toggleGrid());
  const name = element("span", bar, "", { class: "name" });
  const position = element("input", bar, "", { type: "number", min: "1", "aria-label": "Number of the file", class: "position" });
  position.addEventListener("change", () => go(Number(position.value) - 1));
  const counter = element("span", bar);
  const find = element("input", bar, "", { type: "search", placeholder: "Find a file", "aria-label": "Find a file by its name" });
  const looks = element("div", root, "", { class: "bar" });
  const opacityLabel = element("label", looks, "Opacity ");
  const opacity = element("input", opacityLabel, "", { type: "range", min: "0", max: "1", step: "0.05" });
  opacity.addEventListener("input", () => { set("opacity", Number(opacity.value)); });
  const toggles = {};
  for (const key of ["boxes", "masks", "labels"]) {
    const label = element("label", looks);
    toggles[key] = element("input", label, "", { type: "checkbox" });
    label.appendChild(document.createTextNode(" " + key));
    toggles[key].addEventListener("change", () => { set("show_" + key, toggles[key].checked); });
  }
  const fit = button(looks, "Fit", "Fit into the panel (f)", () => { view = null; draw(); });
  const drawing = [opacityLabel, fit, ...Object.values(toggles).map((box) => box.parentNode)]; // what is of pictures alone
  const sides = button(looks, "", "Side by side, or over one another (s)", () => toggleSides());
  const change = button(looks, "Next difference", "Next file that differs (d)", () => model.send({ kind: "change" }));
  button(looks, "?", "Keys (?)", () => { help.hidden = !help.hidden; });
  const filters = element("span", looks);
  const chooser = (label, title) => {
    const node = element("select", filters, "", { "aria-label": label, title });
    node.addEventListener("change", () => filter());
    return node;
  };
  const which = chooser("Files to show", "Show files of a status or with a class alone");
  const order = chooser("Order of the files", "Order of the files");
  for (const [value, text] of Object.entries(get("orders"))) element("option", order, text, { value });
  order.value = get("order");
  const classes = element("div", root, "", { class: "bar classes", role: "group", "aria-label": "Classes" });
  const middle = element("div", root, "", { class: "middle" });
  const stage = element("div", middle, "", { class: "stage" });
  const objects = element("div", middle, "", { class: "objects", role: "listbox", "aria-label": "Objects" });
  const media = makeMedia(root, { isHidden: () => get("mode") !== "single" });
  const answers = element("dl", root, "", { class: "answers", "aria-label": "Answers" });
  const canvases = ["a", "b"].map((side) => {
    const figure = element("figure", stage);
    const caption = element("figcaption", figure, get("side_names")[side === "a" ? 0 : 1]);
    return { side, figure, caption, canvas: element("canvas", figure, "", { role: "img" }) };
  });
  const canvas = canvases[0].canvas;
  const scrubber = element("label", root, "Frame ", { class: "bar scrubber" });
  const scrub = element("input", scrubber, "", { type: "range", step: "1" });
  scrub.addEventListener("input", () => go(Number(scrub.value)));
  const grid = makeGrid(root, {
    count: () => get("count"), look,
    ask: (pages) => model.send({ kind: "thumbnails", pages }),
    open: (page) => { go(page); set("mode", "single"); root.focus(); },
  });
  const foot = element("div", root, "", { class: "bar" });
  const status = element("div", foot, "", { class: "status", role: "status", "aria-live": "polite" });
  const again = button(foot, "Refresh links", "Ask for this image again", () => {
    packets.delete(get("index"));
    model.send({ kind: "pages", pages: [get("index")], again: true });
  });
  const showAll = button(foot, "Show all", "Show all classes (0)", () => allClasses());
  const help = element("table", root, "", { class: "help" });
  for (const [key, does] of HELP) {
    const line = element("tr", help);
    element("th", line, key);
    element("td", line, does);
  }
  help.hidden = true;

  function look() {
    return {
      alpha: get("opacity"), hidden: new Set(get("hidden")), boxes: get("show_boxes"), masks: get("show_masks"),
      labels: get("show_labels"), selected: hovered === null ? get("selected") : hovered, classes: get("classes"), view,
    };
  }

  // --- which page

  const current = () => packets.get(get("index"));

  function go(index) {
    const count = get("count");
    if (!count || !Number.isFinite(index)) return;
    const page = Math.max(0, Math.min(count - 1, Math.trunc(index)));
    if (page === get("index") && current()) return;
    model.set("selected", null);
    model.set("index", page);
    save();
  }

  function goFile(step) { // the file before or after, of a video past its other frames
    const packet = current();
    if (packet) go(step > 0 ? packet.first + packet.siblings : packet.first - 1);
  }

  function turned() {
    view = null;
    if (get("mode") === "grid") {
      head(current());
      grid.reach(get("index"));
      return;
    }
    show();
    want();
  }

  function want() { // one lot at a time, so that pages that are only passed are never asked for
    if (asked || get("mode") !== "single") return;
    const index = get("index"), pages = [index, index + 1, index - 1].filter(
      (page) => page >= 0 && page < get("count") && !packets.has(page));
    if (!pages.length || (wanted === index && pages.includes(index))) return; // asked for already, and did not come
    asked = true;
    wanted = index;
    model.send({ kind: "pages", pages });
  }

  let received = Promise.resolve(); // one after the other: a lot is done when its last page is unpacked
  const receive = (message, buffers) => { received = received.then(() => take(message, buffers)).catch(console.error); };

  async function take(message, buffers) {
    if (message.kind === "done") {
      if (message.of === "thumbnails") grid.done();
      else { asked = false; if (get("index") !== wanted) want(); }
    } else if (message.kind === "refreshed") {
      for (const packet of packets.values()) if (packet.bitmap) packet.bitmap.close();
      packets.clear();
      grid.reset();
      asked = false; wanted = -1;
      mode();
      redraw();
    } else if (message.kind === "note") {
      status.textContent = message.text;
    } else if (message.kind === "thumbnails") {
      grid.receive(await unpack(message, buffers));
    } else if (message.kind === "pages") keep(await unpack(message, buffers));
  }

  function keep(packet) {
    hold(packets, packet, KEPT, (index) => Math.abs(index - get("index")) <= 1);
    root.dataset.held = [...packets.keys()].join(" ");
    if (packet.index === get("index")) show();
  }

  // --- drawing

  function show() {
    const packet = current();
    if (packet) draw();
    else if (get("count")) {
      status.textContent = "Loading\u2026";
      again.hidden = showAll.hidden = true;
      for (const each of canvases) each.canvas.style.opacity = "0.4";
    } else status.textContent = "There are no files to show.";
    legend(packet);
    head(packet);
    list(packet);
    media.show(packet);
  }

  function redraw() { head(current()); legend(current()); list(current()); draw(); if (get("mode") === "grid") grid.repaint(); }

  function head(packet) {
    const count = get("count"), index = get("index"), single = get("mode") === "single";
    name.textContent = packet ? packet.name : "";
    name.title = packet ? packet.name : "";
    position.value = count ? index + 1 : 0;
    position.max = count;
    counter.textContent = `of ${count.toLocaleString("en")}`;
    previous.disabled = index <= 0;
    next.disabled = index >= count - 1;
    for (const control of drawing) control.hidden = Boolean(packet && packet.media);
    opacity.value = get("opacity");
    for (const key of Object.keys(toggles)) toggles[key].checked = get("show_" + key);
    sides.hidden = change.hidden = !get("compared");
    sides.textContent = get("arrangement") === "side" ? "Over one another" : "Side by side";
    scrubber.hidden = !single || !packet || packet.siblings < 2;
    if (packet) { scrub.min = packet.first; scrub.max = packet.first + packet.siblings - 1; scrub.value = index; }
  }

  function legend(packet) {
    const off = new Set(get("hidden")), all = get("classes"), counts = new Map();
    if (packet) for (const shape of packet.shapes) counts.set(shape.cls, (counts.get(shape.cls) || 0) + 1);
    const shown = all.map((each, place) => place).filter((place) => counts.has(place) || off.has(place));
    const key = shown.join();
    if (classes.dataset.shown !== key) { // keep the nodes, and with them the focus, where the classes are the same
      classes.dataset.shown = key;
      classes.replaceChildren();
      for (const place of shown) {
        const label = element("label", classes);
        const box = element("input", label, "", { type: "checkbox" });
        box.dataset.place = place;
        box.addEventListener("change", () => toggleClass(place));
        element("span", label, "", { class: "swatch" }).style.background = all[place].color;
        element("span", label, "", { class: "text" });
        button(label, "only", "Show this class alone", (event) => { event.preventDefault(); onlyClass(place); });
      }
    }
    for (const label of classes.children) {
      const box = label.firstChild, place = Number(box.dataset.place);
      box.checked = !off.has(place);
      label.querySelector(".text").textContent = `${all[place].name} ${counts.get(place) || 0}`;
    }
  }

  function facts(item, shape) { // of the object that is selected alone
    const more = element("dl", item);
    const pairs = [["type", shape.type], ...(shape.attributes || []), ...(shape.children || []), ["id", shape.id]];
    for (const [fact, value] of pairs) if (value) { element("dt", more, fact); element("dd", more, value); }
    return more;
  }

  // The objects of the file beside it, and what the file was answered with below it.
  function list(packet) {
    const single = get("mode") === "single", shapes = packet ? visible(packet, look()) : [], selected = get("selected");
    objects.hidden = !single || !get("show_objects") || !shapes.length;
    middle.classList.toggle("listed", !objects.hidden);
    const key = packet ? `${packet.index}:${packet.name}:${shapes.map((shape) => shape.row).join()}` : "";
    if (objects.dataset.shown !== key) {
      objects.dataset.shown = key;
      objects.replaceChildren();
      for (const shape of shapes) {
        const item = element("div", objects, "", { class: "object", role: "option" });
        item.dataset.row = shape.row;
        const line = element("div", item, "", { class: "line" });
        element("span", line, "", { class: "swatch" }).style.background = shape.color || get("classes")[shape.cls].color;
        element("span", line, shape.label, { class: "text", title: shape.label });
        element("span", line, shape.extent || shape.type, { class: "size" });
        item.addEventListener("click", () => choose(get("selected") === shape.row ? null : shape.row));
        item.addEventListener("pointerenter", () => { hovered = shape.row; draw(); tell(packet, shape); });
        item.addEventListener("pointerleave", () => { hovered = null; draw(); });
      }
    }
    for (const item of objects.children) {
      const chosen = Number(item.dataset.row) === selected;
      item.setAttribute("aria-selected", chosen);
      let more = item.querySelector("dl");
      if (chosen && !more) more = facts(item, shapes.find((shape) => shape.row === selected));
      if (more) more.hidden = !chosen;
      if (chosen && objects.clientHeight) {
        const top = item.offsetTop - objects.offsetTop;
        if (top < objects.scrollTop || top + item.offsetHeight > objects.scrollTop + objects.clientHeight) objects.scrollTop = top - 20;
      }
    }
    const answered = packet && single ? packet.answers || [] : [];
    answers.hidden = !answered.length;
    const words = JSON.stringify(answered);
    if (answers.dataset.shown !== words) {
      answers.dataset.shown = words;
      answers.replaceChildren();
      for (const [question, value] of answered) {
        const pair = element("div", answers);
        element("dt", pair, question);
        element("dd", pair, value || "\u2013");
      }
    }
  }

  function choices() { // what files can be filtered by, with how many have it
    const words = { status: "status", label_state: "label state", category: "with", answer: "answered", issue: "issue" };
    which.replaceChildren();
    element("option", which, "all files", { value: "" });
    let group = null;
    for (const { by, value, text, files } of get("choices")) {
      if (!group || group.label !== words[by]) group = element("optgroup", which, "", { label: words[by] });
      element("option", group, `${text} (${files.toLocaleString("en")})`, { value: JSON.stringify([by, value]) });
    }
  }

  function filter() {
    const [by, value] = which.value ? JSON.parse(which.value) : ["", ""];
    model.send({ kind: "where", by, value, order: order.value });
  }

  function draw() {
    const packet = current();
    if (!packet || get("mode") !== "single") return;
    const side = get("compared") && get("arrangement") === "side";
    stage.hidden = Boolean(packet.media); // there is nothing to draw on
    stage.classList.toggle("sides", side);
    for (const pane of canvases) {
      pane.caption.hidden = !side;
      pane.figure.hidden = !side && pane.side === "b";
      if (pane.figure.hidden) continue;
      pane.canvas.style.opacity = "1";
      paint(pane.canvas, packet, { ...look(), side: side ? pane.side : null });
    }
    tell(packet);
    requestAnimationFrame(() => { canvas.dataset.drawn = `${packet.index}:${packet.name}`; });
  }

  function tell(packet, hovered = null) {
    const shapes = visible(packet, look()), all = get("classes"), selected = get("selected");
    const counts = new Map();
    for (const shape of packet.shapes) counts.set(all[shape.cls].name, (counts.get(all[shape.cls].name) || 0) + 1);
    const counted = [...counts].map(([each, count]) => `${count} ${each}`).join(", ");
    const about = packet.status ? `${packet.name} (${packet.status})` : packet.name;
    let text = `${about}: ${packet.shapes.length} annotation${packet.shapes.length === 1 ? "" : "s"}, ${counted}`;
    if (packet.media) {
      const count = packet.media.segments.length;
      text = `${about}: ${count} segment${count === 1 ? "" : "s"}`;
    } else if (!packet.shapes.length) text = `${about}: no ${packet.answers.length ? "shapes" : "annotations"} on this file`;
    else if (!shapes.length) text = `All ${packet.shapes.length} annotations are hidden by the class filter`;
    showAll.hidden = get("mode") !== "single" || !packet.shapes.length || Boolean(shapes.length);
    again.hidden = get("mode") !== "single" || !packet.again;
    const chosen = hovered || packet.shapes.find((shape) => shape.row === selected);
    if (chosen) text = chosen.summary;
    if (packet.warning) text += `  ${packet.warning}`;
    status.classList.toggle("warning", Boolean(packet.warning));
    status.textContent = text;
    if (!hovered) for (const each of canvases) each.canvas.setAttribute("aria-label", text);
  }

  // --- what a person does

  function toggleClass(place) {
    const off = new Set(get("hidden"));
    if (off.has(place)) off.delete(place); else off.add(place);
    set("hidden", [...off].sort((one, other) => one - other));
  }

  function onlyClass(place) {
    set("hidden", get("classes").map((each, at) => at).filter((at) => at !== place));
  }

  function allClasses() { set("hidden", []); }

  function toggleSides() {
    if (!get("compared")) return;
    set("arrangement", get("arrangement") === "side" ? "over" : "side");
  }

  function toggleGrid() { set("mode", get("mode") === "single" ? "grid" : "single"); }

  function mode() {
    const single = get("mode") === "single";
    middle.hidden = classes.hidden = !single;
    if (!single) { objects.hidden = answers.hidden = true; media.show(current()); }
    grid.box.hidden = single;
    gridButton.textContent = single ? "Thumbnails" : "Back";
    if (single) { turned(); return; }
    scrubber.hidden = again.hidden = showAll.hidden = true;
    status.classList.remove("warning");
    status.textContent = `${get("count").toLocaleString("en")} files; arrows move, Enter opens one`;
    grid.show(get("index"));
  }

  function select(step) {
    const packet = current();
    if (!packet) return;
    const rows = visible(packet, look()).map((shape) => shape.row);
    if (!rows.length) return;
    const place = rows.indexOf(get("selected"));
    choose(rows[place < 0 ? (step > 0 ? 0 : rows.length - 1) : (place + step + rows.length) % rows.length]);
  }

  function choose(row) { set("selected", row); }

  function dim(step) { set("opacity", Math.max(0, Math.min(1, Math.round((get("opacity") + step) * 100) / 100))); }

  function zoom(factor, x = canvas.width / 2, y = canvas.height / 2) { // x, y: pixels of the canvas, which stay where they are
    const old = view || { scale: 1, x: 0, y: 0 };
    const scale = Math.max(1, Math.min(40, old.scale * factor)), grown = scale / old.scale;
    view = scale === 1 ? null : { scale, x: x - (x - old.x) * grown, y: y - (y - old.y) * grown };
    draw();
  }

  for (const { side, canvas } of canvases) {
    const at = (event) => {
      const box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
      return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio, ratio];
    };
    const shapeUnder = (event) => {
      const packet = current();
      if (!packet) return null;
      const [x, y, ratio] = at(event), scale = Number(canvas.dataset.scale) * (view ? view.scale : 1), from = view || { x: 0, y: 0 };
      const shapes = visible(packet, { ...look(), side: stage.classList.contains("sides") ? side : null });
      return shapeAt(packet, shapes, (x - from.x) / scale, (y - from.y) / scale, (6 * ratio) / scale);
    };
    canvas.addEventListener("click", (event) => {
      root.focus({ preventScroll: true });
      if (dragging && dragging.moved) return;
      const shape = shapeUnder(event);
      choose(shape ? shape.row : null);
    });
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !root.contains(document.activeElement)) return; // the page scrolls on until the viewer is in use
      event.preventDefault();
      const [x, y] = at(event);
      zoom(event.deltaY < 0 ? 1.25 : 0.8, x, y);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => { dragging = { x: event.clientX, y: event.clientY, moved: false }; });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons && dragging && view) {
        const ratio = at(event)[2];
        view.x += (event.clientX - dragging.x) * ratio; view.y += (event.clientY - dragging.y) * ratio;
        dragging = { x: event.clientX, y: event.clientY, moved: true };
        draw();
      } else if (!event.buttons && current()) tell(current(), shapeUnder(event));
    });
    canvas.addEventListener("pointerleave", () => current() && tell(current()));
  }

  function keys(event) {
    const target = event.target, key = event.key;
    const moves = /^(Arrow|Home|End|Page| )/.test(key);
    if (target instanceof HTMLMediaElement || target instanceof HTMLSelectElement) return; // their own keys
    if (target.classList.contains("text-body") && moves) return;
    if (target === find && key === "Enter" && find.value) model.send({ kind: "find", text: find.value });
    if (target instanceof HTMLInputElement && ["search", "number"].includes(target.type)) return;
    if (target instanceof HTMLInputElement && target.type === "range" && /^(Arrow|Home|End|Page)/.test(key)) return;
    const index = get("index"), last = get("count") - 1;
    const everywhere = { o: () => set("show_objects", !get("show_objects")), g: toggleGrid, "?": () => { help.hidden = !help.hidden; }, "[": () => dim(-0.1), "]": () => dim(0.1), 0: allClasses };
    const single = {
      ArrowRight: () => go(index + 1), n: () => go(index + 1), ArrowLeft: () => go(index - 1), p: () => go(index - 1),
      Home: () => go(0), End: () => go(last), PageDown: () => goFile(1), PageUp: () => goFile(-1),
      ArrowDown: () => select(1), ArrowUp: () => select(-1), f: () => { view = null; draw(); },
      "+": () => zoom(1.25), "-": () => zoom(0.8), s: toggleSides, d: () => get("compared") && model.send({ kind: "change" }),
    };
    const many = {
      ArrowRight: () => grid.move(1), ArrowLeft: () => grid.move(-1), ArrowDown: () => grid.move(COLUMNS), ArrowUp: () => grid.move(-COLUMNS),
      Home: () => grid.go(0), End: () => grid.go(last), PageDown: () => grid.move(3 * COLUMNS), PageUp: () => grid.move(-3 * COLUMNS),
    };
    if (target === root) many.Enter = () => grid.enter();
    if (target === root && media.hasSound()) single[" "] = () => media.toggle();
    const actions = { ...everywhere, ...(get("mode") === "single" ? single : many) };
    const digit = /^[1-9]$/.test(key) && get("mode") === "single" ? classes.children[Number(key) - 1] : null;
    if (digit) toggleClass(Number(digit.firstChild.dataset.place));
    else if (actions[key]) actions[key]();
    else return;
    event.preventDefault();
  }

  model.on("msg:custom", receive);
  model.on("change:index", turned);
  for (const trait of ["opacity", "hidden", "selected", "show_boxes", "show_masks", "show_labels", "show_objects", "arrangement"]) model.on("change:" + trait, redraw);
  model.on("change:mode", mode);
  model.on("change:count", () => head(current()));
  model.on("change:order", () => { order.value = get("order"); });
  model.on("change:choices", choices);
  choices();
  const release = guard(root, keys, () => {
    const open = !help.hidden;
    help.hidden = true;
    return open;
  });
  if (!get("choices").length) model.send({ kind: "choices" });
  const opening = get("opening");
  if (opening.message) unpack(opening.message, opening.buffers).then(keep).then(mode); else mode();
  return () => {
    release();
    model.off("msg:custom", receive);
    model.off("change:index", turned);
    model.off("change:choices", choices);
    for (const packet of packets.values()) if (packet.bitmap) packet.bitmap.close();
    grid.close();
    media.close();
  };
}
export default { render };
