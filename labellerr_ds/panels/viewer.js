// The annotation viewer: draws on a canvas what Python sends in typed buffers; class names and file names are text, never HTML.
const KEPT = 8; // pictures held at a time

function element(tag, parent, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (parent) parent.appendChild(node);
  return node;
}

function maskCanvas(shape, runs, color) {
  // COCO's runs go down the columns, background first
  const [height, width] = shape.size;
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [r, g, b] = color;
  const value = (255 << 24) | (b << 16) | (g << 8) | r;
  let place = 0, on = false;
  for (let run = shape.start; run < shape.start + shape.length; run++) {
    const stop = place + runs[run];
    if (on) for (let flat = place; flat < stop; flat++) pixels[(flat % height) * width + ((flat / height) | 0)] = value;
    place = stop; on = !on;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function rgb(color) {
  return [1, 3, 5].map((place) => parseInt(color.slice(place, place + 2), 16));
}

function render({ model, el }) {
  const root = element("div", el, "", { class: "labellerr-viewer", tabindex: "0", role: "application" });
  root.setAttribute("aria-label", "Labellerr annotation viewer");
  const bar = element("div", root, "", { class: "bar" });
  const button = (text, title, action) => {
    const node = element("button", bar, text, { type: "button", title });
    node.addEventListener("click", action);
    return node;
  };
  const previous = button("\u2039 Previous", "Previous file (left arrow or p)", () => go(model.get("index") - 1));
  const next = button("Next \u203a", "Next file (right arrow or n)", () => go(model.get("index") + 1));
  const gridButton = button("Grid", "Thumbnails (g)", () => toggleGrid());
  const name = element("span", bar, "", { class: "name" });
  const counter = element("span", bar);
  const find = element("input", bar, "", { type: "search", placeholder: "Find a file", "aria-label": "Find a file by its name" });
  const opacityLabel = element("label", bar, "Opacity ");
  const opacity = element("input", opacityLabel, "", { type: "range", min: "0", max: "1", step: "0.05" });
  const toggles = {};
  for (const key of ["boxes", "masks", "labels"]) {
    const label = element("label", bar);
    toggles[key] = element("input", label, "", { type: "checkbox" });
    label.appendChild(document.createTextNode(" " + key));
    toggles[key].checked = model.get("show_" + key);
    toggles[key].addEventListener("change", () => { model.set("show_" + key, toggles[key].checked); save(); draw(); });
  }
  const fit = button("Fit", "Fit into the panel (f)", () => { view = null; draw(); });
  button("?", "Keys (?)", () => { help.hidden = !help.hidden; });
  const classes = element("div", root, "", { class: "bar classes", role: "group", "aria-label": "Classes" });
  const stage = element("div", root, "", { class: "stage" });
  const canvas = element("canvas", stage, "", { role: "img" });
  const grid = element("div", root, "", { class: "grid" });
  grid.hidden = true;
  const status = element("div", root, "", { class: "status", role: "status", "aria-live": "polite" });
  const help = element("div", root, "Left, Right, p, n: file   Home, End: first, last   Up, Down: select an annotation\n" +
    "[ ]: opacity   1-9: a class   0: all classes   g: grid   f: fit   +, -: zoom   Esc: back to the cell", { class: "help" });
  help.hidden = true;

  const packets = new Map();
  let view = null, gridStart = 0, dragging = null;

  const save = () => model.save_changes();
  const current = () => packets.get(model.get("index"));
  const hidden = () => new Set(model.get("hidden"));

  function go(index) {
    const count = model.get("count");
    if (!count) return;
    const wanted = Math.max(0, Math.min(count - 1, index));
    if (wanted === model.get("index") && current()) return;
    model.set("index", wanted);
    model.set("selected", null);
    view = null;
    save();
    show();
  }

  function show() {
    const packet = current();
    if (packet) draw();
    else { status.textContent = "Loading\u2026"; canvas.style.opacity = "0.4"; }
    legend();
    head();
  }

  function head() {
    const packet = current(), count = model.get("count"), index = model.get("index");
    name.textContent = packet ? packet.name : "";
    name.title = packet ? packet.name : "";
    counter.textContent = count ? `${(index + 1).toLocaleString()} of ${count.toLocaleString()}` : "no files";
    previous.disabled = index <= 0;
    next.disabled = index >= count - 1;
    opacity.value = model.get("opacity");
  }

  function legend() {
    const packet = current(), off = hidden();
    const counts = new Map();
    if (packet) for (const shape of packet.shapes) counts.set(shape.cls, (counts.get(shape.cls) || 0) + 1);
    const all = model.get("classes");
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
        element("span", label, "").className = "text";
      }
    }
    for (const label of classes.children) {
      const box = label.firstChild, place = Number(box.dataset.place);
      box.checked = !off.has(place);
      label.lastChild.textContent = `${all[place].name} ${counts.get(place) || 0}`;
    }
  }

  function toggleClass(place) {
    const off = hidden();
    if (off.has(place)) off.delete(place); else off.add(place);
    model.set("hidden", [...off].sort((a, b) => a - b));
    save();
    legend();
    draw();
  }

  function visible(packet) {
    const off = hidden();
    return packet.shapes.filter((shape) => !off.has(shape.cls));
  }

  function draw() {
    const packet = current();
    if (!packet || model.get("mode") !== "single") return;
    canvas.style.opacity = "1";
    canvas.width = packet.width; canvas.height = packet.height;
    const context = canvas.getContext("2d");
    context.fillStyle = "#80848a";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (view) context.setTransform(view.scale, 0, 0, view.scale, view.x, view.y);
    if (packet.bitmap) context.drawImage(packet.bitmap, 0, 0, packet.width, packet.height);
    const alpha = model.get("opacity"), all = model.get("classes"), selected = model.get("selected");
    const wide = Math.max(1.5, packet.width / 500) / (view ? view.scale : 1);
    for (const shape of visible(packet)) {
      const color = shape.color || all[shape.cls].color;
      context.strokeStyle = color; context.fillStyle = color;
      context.lineWidth = shape.row === selected ? wide * 2.5 : wide;
      if (shape.kind === "mask") {
        if (!model.get("show_masks")) continue;
        shape.canvas = shape.canvas || maskCanvas(shape, packet.runs, rgb(color));
        context.globalAlpha = alpha;
        context.drawImage(shape.canvas, 0, 0, packet.width, packet.height);
        context.globalAlpha = 1;
        if (shape.row === selected) outline(context, shape, packet);
      } else if (shape.kind === "points") {
        for (let place = shape.start; place < shape.start + shape.length; place += 2) {
          context.beginPath();
          context.arc(packet.xy[place], packet.xy[place + 1], wide * 2.5, 0, 7);
          context.fill();
        }
      } else {
        if (shape.kind === "box" && !model.get("show_boxes")) continue;
        if (shape.kind === "polygon" && !model.get("show_masks")) continue;
        context.beginPath();
        for (const [start, length] of shape.parts) {
          for (let place = start; place < start + length; place += 2) {
            if (place === start) context.moveTo(packet.xy[place], packet.xy[place + 1]);
            else context.lineTo(packet.xy[place], packet.xy[place + 1]);
          }
          if (shape.kind !== "line") context.closePath();
        }
        if (shape.kind !== "line") { context.globalAlpha = alpha; context.fill(); context.globalAlpha = 1; }
        context.stroke();
      }
    }
    if (model.get("show_labels")) texts(context, packet, wide);
    context.setTransform(1, 0, 0, 1, 0, 0);
    tell(packet);
    requestAnimationFrame(() => { canvas.dataset.drawn = `${packet.index}:${packet.name}`; });
  }

  function outline(context, shape) {
    const [x, y, width, height] = shape.box;
    context.strokeRect(x, y, width, height);
  }

  function texts(context, packet, wide) {
    context.font = `${Math.max(11, packet.width / 70)}px sans-serif`;
    for (const shape of visible(packet)) {
      if (!shape.box) continue;
      const text = shape.label, [x, y] = shape.box, size = Math.max(11, packet.width / 70);
      const width = context.measureText(text).width;
      context.fillStyle = shape.color || model.get("classes")[shape.cls].color;
      context.fillRect(x, Math.max(0, y - size - 3), width + 6, size + 4);
      context.fillStyle = "#fff";
      context.fillText(text, x + 3, Math.max(size, y - 2));
    }
  }

  function tell(packet) {
    const shown = visible(packet), selected = model.get("selected");
    let text = `${packet.name}: ${packet.shapes.length} annotations`;
    if (!packet.shapes.length) text = `${packet.name}: no annotations on this file`;
    else if (!shown.length) text = `All ${packet.shapes.length} annotations are hidden by the class filter; 0 shows all`;
    const chosen = packet.shapes.find((shape) => shape.row === selected);
    if (chosen) text = chosen.told;
    if (packet.warning) text += `  ${packet.warning}`;
    status.classList.toggle("warning", Boolean(packet.warning));
    status.textContent = text;
    canvas.setAttribute("aria-label", text);
  }

  function select(step) {
    const packet = current();
    if (!packet) return;
    const rows = visible(packet).map((shape) => shape.row);
    if (!rows.length) return;
    const place = rows.indexOf(model.get("selected"));
    choose(rows[(place + step + rows.length) % rows.length]);
  }

  function choose(row) {
    model.set("selected", row);
    save();
    draw();
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * canvas.width, y = ((event.clientY - box.top) / box.height) * canvas.height;
    return view ? [(x - view.x) / view.scale, (y - view.y) / view.scale] : [x, y];
  }

  function zoom(factor, x, y) {
    const old = view || { scale: 1, x: 0, y: 0 };
    const scale = Math.max(1, Math.min(40, old.scale * factor));
    if (scale === 1) { view = null; draw(); return; }
    view = { scale, x: old.x - x * (scale - old.scale), y: old.y - y * (scale - old.scale) };
    draw();
  }

  canvas.addEventListener("click", (event) => {
    root.focus();
    if (dragging && dragging.moved) return;
    const packet = current();
    if (!packet) return;
    const [x, y] = at(event);
    const hits = visible(packet).filter(({ box }) => box && x >= box[0] - 3 && y >= box[1] - 3 && x <= box[0] + box[2] + 3 && y <= box[1] + box[3] + 3);
    hits.sort((a, b) => a.box[2] * a.box[3] - b.box[2] * b.box[3]);
    choose(hits.length ? hits[0].row : null);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = at(event);
    zoom(event.deltaY < 0 ? 1.25 : 0.8, x, y);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => { dragging = { x: event.clientX, y: event.clientY, moved: false }; });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons || !dragging || !view) return;
    const ratio = canvas.width / canvas.getBoundingClientRect().width;
    view.x += (event.clientX - dragging.x) * ratio; view.y += (event.clientY - dragging.y) * ratio;
    dragging = { x: event.clientX, y: event.clientY, moved: true };
    draw();
  });

  opacity.addEventListener("input", () => { model.set("opacity", Number(opacity.value)); save(); draw(); });
  find.addEventListener("change", () => { if (find.value) model.send({ kind: "find", text: find.value }); });

  function toggleGrid() {
    const single = model.get("mode") === "single";
    model.set("mode", single ? "grid" : "single");
    save();
    mode();
  }

  function mode() {
    const single = model.get("mode") === "single";
    stage.hidden = !single; classes.hidden = !single; grid.hidden = single;
    gridButton.textContent = single ? "Grid" : "Back";
    if (single) { show(); return; }
    gridStart = Math.floor(model.get("index") / 24) * 24;
    model.send({ kind: "thumbnails", start: gridStart });
  }

  function fillGrid(message, buffers) {
    grid.replaceChildren();
    message.items.forEach((item, place) => {
      const node = element("button", grid, "", { type: "button", title: item.name });
      const picture = element("img", node, "", { alt: "" });
      picture.src = URL.createObjectURL(new Blob([buffers[place]], { type: "image/jpeg" }));
      picture.onload = () => URL.revokeObjectURL(picture.src);
      element("span", node, `${item.name} (${item.count})`);
      node.addEventListener("click", () => { model.set("mode", "single"); go(item.index); save(); mode(); root.focus(); });
    });
    const more = element("div", grid, "", { class: "bar" });
    const turn = (text, start, off) => {
      const node = element("button", more, text, { type: "button" });
      node.disabled = off;
      node.addEventListener("click", () => { gridStart = start; model.send({ kind: "thumbnails", start }); });
    };
    turn("\u2039 24", message.start - 24, message.start <= 0);
    turn("24 \u203a", message.start + 24, message.start + 24 >= model.get("count"));
    status.classList.remove("warning");
    status.textContent = `Files ${message.start + 1} to ${message.start + message.items.length} of ${model.get("count")}`;
    grid.dataset.drawn = String(message.start);
  }

  function keys(event) {
    if (event.target instanceof HTMLInputElement && event.target.type === "search") return;
    if (event.target instanceof HTMLInputElement && event.target.type === "range" && event.key.startsWith("Arrow")) return;
    const index = model.get("index"), key = event.key;
    const actions = {
      ArrowRight: () => go(index + 1), n: () => go(index + 1), ArrowLeft: () => go(index - 1), p: () => go(index - 1),
      Home: () => go(0), End: () => go(model.get("count") - 1), ArrowDown: () => select(1), ArrowUp: () => select(-1),
      g: toggleGrid, f: () => { view = null; draw(); }, "?": () => { help.hidden = !help.hidden; },
      "[": () => dim(-0.1), "]": () => dim(0.1), "0": () => { model.set("hidden", []); save(); legend(); draw(); },
      "+": () => zoom(1.25, canvas.width / 2, canvas.height / 2), "-": () => zoom(0.8, canvas.width / 2, canvas.height / 2),
    };
    const digit = /^[1-9]$/.test(key) ? classes.children[Number(key) - 1] : null;
    if (digit) toggleClass(Number(digit.firstChild.dataset.place));
    else if (actions[key]) actions[key]();
    else return;
    event.preventDefault();
  }

  function dim(step) {
    model.set("opacity", Math.max(0, Math.min(1, Math.round((model.get("opacity") + step) * 100) / 100)));
    save(); head(); draw();
  }

  async function receive(message, buffers) {
    if (message.kind === "thumbnails") { fillGrid(message, buffers); return; }
    if (message.kind !== "file") return;
    const copy = (view, Kind) => new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    const packet = { ...message, xy: copy(buffers[1], Float32Array), runs: copy(buffers[2], Int32Array), bitmap: null };
    if (buffers[0].byteLength) {
      try { packet.bitmap = await createImageBitmap(new Blob([buffers[0]])); }
      catch { packet.warning = "The picture cannot be decoded."; }
    }
    packets.delete(packet.index);
    packets.set(packet.index, packet);
    for (const [index, old] of packets) {
      if (packets.size <= KEPT) break;
      if (index === model.get("index")) continue;
      if (old.bitmap) old.bitmap.close();
      packets.delete(index);
    }
    if (packet.index === model.get("index")) show();
  }

  model.on("msg:custom", receive);
  model.on("change:index", () => { view = null; show(); });
  for (const trait of ["opacity", "hidden", "selected", "show_boxes", "show_masks", "show_labels"]) {
    model.on("change:" + trait, () => { head(); legend(); draw(); });
  }
  model.on("change:mode", mode);
  const release = guard(root, keys);
  model.send({ kind: "ready" });
  mode();
  return () => { release(); model.off("msg:custom", receive); for (const packet of packets.values()) if (packet.bitmap) packet.bitmap.close(); };
}
export default { render };
