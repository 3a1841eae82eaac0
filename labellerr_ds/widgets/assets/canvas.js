// Draws a page's shapes from typed buffers: coordinates in Float32, masks as run lengths in Int32.
const SMALL = 640, LARGE = 2048; // pixels of the longer side of what is drawn on

function element(tag, parent, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (parent) parent.appendChild(node);
  return node;
}

// A message and its buffers; buffers are views that the next message may write over.
async function unpack(message, buffers) {
  const copy = (view, Kind) => new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  const packet = { ...message, xy: copy(buffers[1], Float32Array), runs: copy(buffers[2], Int32Array), bitmap: null };
  if (buffers[0].byteLength && packet.media) {
    packet.sound = new Blob([copy(buffers[0], Uint8Array)], packet.media.type ? { type: packet.media.type } : {});
  } else if (buffers[0].byteLength) {
    try { packet.bitmap = await createImageBitmap(new Blob([buffers[0]])); }
    catch { packet.warning = "The picture cannot be decoded: annotations are drawn on grey."; }
  }
  return packet;
}

// Keeps a packet, as the newest, and of the others as many as may be; those that are needed stay.
function hold(packets, packet, most, isNeeded) {
  const drop = (index) => {
    const old = packets.get(index);
    if (old && old.bitmap) old.bitmap.close();
    packets.delete(index);
  };
  drop(packet.index);
  packets.set(packet.index, packet);
  for (const index of [...packets.keys()]) {
    if (packets.size <= most) break;
    if (!isNeeded(index)) drop(index);
  }
}

// A mask as a canvas of what its pixels extend over, every step-th of them. COCO's runs go down the columns, background first.
function maskCanvas(shape, runs, color, step) {
  const [height, width] = shape.size, stop = shape.start + shape.length;
  let left = width, right = 0, top = height, low = 0;
  const columns = (visit) => {
    for (let run = shape.start, place = 0, on = false; run < stop; place += runs[run], run++, on = !on) {
      if (!on || !runs[run]) continue;
      const last = place + runs[run] - 1, first = (place / height) | 0, end = (last / height) | 0;
      for (let column = first; column <= end; column++) {
        if (column % step) continue;
        visit(column, column === first ? place % height : 0, column === end ? last % height : height - 1);
      }
    }
  };
  columns((column, from, to) => {
    left = Math.min(left, column); right = Math.max(right, column); top = Math.min(top, from); low = Math.max(low, to);
  });
  if (right < left || low < top) return null;
  top -= top % step;
  const wide = (right - left) / step + 1, high = Math.floor((low - top) / step) + 1;
  const canvas = document.createElement("canvas");
  canvas.width = wide; canvas.height = high;
  const context = canvas.getContext("2d"), image = context.createImageData(wide, high);
  const pixels = new Uint32Array(image.data.buffer);
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  const value = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  columns((column, from, to) => {
    const x = (column - left) / step;
    for (let row = Math.ceil((from - top) / step), end = Math.floor((to - top) / step); row <= end; row++) pixels[row * wide + x] = value;
  });
  context.putImageData(image, 0, 0);
  return { canvas, x: left, y: top, width: wide * step, height: high * step };
}

const onSide = (shape, side) => !side || !shape.side || shape.side === "both" || shape.side === side;
const isShown = (shape, look) => (shape.kind === "box" ? look.boxes : shape.kind === "polygon" || shape.kind === "mask" ? look.masks : true);
const visible = (packet, look) => packet.shapes.filter(
  (shape) => !look.hidden.has(shape.cls) && onSide(shape, look.side) && isShown(shape, look));

// look: alpha, hidden, boxes, masks, labels, selected, classes, side, view, longest
function paint(canvas, packet, look) {
  const longest = Math.max(packet.width, packet.height);
  const base = (look.longest || Math.min(LARGE, Math.max(SMALL, longest))) / longest;
  canvas.width = Math.max(1, Math.round(packet.width * base)); canvas.height = Math.max(1, Math.round(packet.height * base));
  canvas.dataset.scale = base;
  const context = canvas.getContext("2d"), zoom = look.view ? look.view.scale : 1;
  context.fillStyle = "#80848a";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.setTransform(base * zoom, 0, 0, base * zoom, look.view ? look.view.x : 0, look.view ? look.view.y : 0);
  context.imageSmoothingEnabled = base * zoom < 2;
  if (packet.bitmap) context.drawImage(packet.bitmap, 0, 0, packet.width, packet.height);
  context.imageSmoothingEnabled = false;
  const step = Math.max(1, Math.floor(1 / (base * 1.5)));
  const wide = Math.max(1.5, Math.max(canvas.width, canvas.height) / 500) / (base * zoom);
  const shapes = visible(packet, look);
  for (const shape of shapes) {
    const color = shape.color || look.classes[shape.cls].color, chosen = shape.row === look.selected;
    context.strokeStyle = color; context.fillStyle = color;
    context.lineWidth = chosen ? wide * 2.5 : wide;
    const old = shape.side === "a", alpha = old && !look.side ? 0 : look.alpha; // over one another, what was is an outline
    context.setLineDash(old ? [wide * 4, wide * 3] : []);
    if (shape.kind === "mask") {
      if (shape.mask === undefined || shape.step !== step) { shape.mask = maskCanvas(shape, packet.runs, color, step); shape.step = step; }
      if (!shape.mask) continue;
      const [height, width] = shape.size, x = packet.width / width, y = packet.height / height; // a mask of another size than its image
      context.globalAlpha = old && !look.side ? look.alpha / 2 : look.alpha;
      context.drawImage(shape.mask.canvas, shape.mask.x * x, shape.mask.y * y, shape.mask.width * x, shape.mask.height * y);
      context.globalAlpha = 1;
      if (chosen && shape.box) context.strokeRect(...shape.box);
    } else if (shape.kind === "points") {
      if (chosen && shape.box) context.strokeRect(...shape.box);
      const at = (point) => [packet.xy[shape.start + 2 * point], packet.xy[shape.start + 2 * point + 1]];
      for (const [one, other] of shape.edges) {
        const ends = [...at(one), ...at(other)];
        if (ends.some(Number.isNaN)) continue;
        context.beginPath(); context.moveTo(ends[0], ends[1]); context.lineTo(ends[2], ends[3]); context.stroke();
      }
      for (let point = 0; point < shape.length / 2; point++) {
        const [x, y] = at(point);
        if (Number.isNaN(x)) continue;
        context.beginPath(); context.arc(x, y, wide * (chosen ? 4 : 2.5), 0, 7); context.fill();
      }
    } else {
      outline(context, packet, shape);
      if (shape.kind !== "line") { context.globalAlpha = alpha; context.fill(); context.globalAlpha = 1; }
      const line = context.lineWidth;
      context.strokeStyle = ink(color); context.lineWidth = line + 1.2 / (base * zoom); context.globalAlpha = 0.6;
      context.stroke(); // a rim, so that it is seen on what has its colour
      context.strokeStyle = color; context.lineWidth = line; context.globalAlpha = 1;
      context.stroke();
    }
  }
  context.setLineDash([]);
  context.setTransform(1, 0, 0, 1, 0, 0);
  if (look.labels) texts(context, shapes, look, base * zoom);
  return shapes;
}

function outline(context, packet, shape) {
  context.beginPath();
  for (const [start, length] of shape.parts) {
    for (let at = start; at < start + length; at += 2) {
      if (at === start) context.moveTo(packet.xy[at], packet.xy[at + 1]);
      else context.lineTo(packet.xy[at], packet.xy[at + 1]);
    }
    if (shape.kind !== "line") context.closePath();
  }
}

function ink(color) { // what can be read on a colour
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff"; // by WCAG's contrast
}

// Above the shape, else below it, else within: where there is room, and no other label.
function texts(context, shapes, look, scale) {
  const { width: wide, height: high } = context.canvas, onScreen = context.canvas.getBoundingClientRect().width || wide;
  const size = Math.max(11 * Math.max(1, wide / onScreen), Math.max(wide, high) / 75), tall = size + 4;
  const offset = look.view || { x: 0, y: 0 }, taken = [];
  const meets = (box) => taken.some((each) => box[0] < each[2] && each[0] < box[2] && box[1] < each[3] && each[1] < box[3]);
  context.font = `${size}px sans-serif`;
  for (const shape of shapes) {
    if (!shape.box || (shape.tag === "" && !look.side)) continue; // a label that a prediction matches has the tag of that
    const x = shape.box[0] * scale + offset.x, y = shape.box[1] * scale + offset.y, low = y + shape.box[3] * scale;
    const width = context.measureText(shape.label).width + 6, left = Math.max(0, Math.min(x, wide - width));
    const places = [y - tall, low, y].filter((top) => top >= 0 && top + tall <= high).map((top) => [left, top, left + width, top + tall]);
    const place = places.find((box) => !meets(box)) || places[0] || [left, Math.max(0, Math.min(y, high - tall)), left + width, 0];
    taken.push([place[0], place[1], place[0] + width, place[1] + tall]);
    context.fillStyle = shape.color || look.classes[shape.cls].color;
    context.fillRect(left, place[1], width, tall);
    context.fillStyle = ink(context.fillStyle);
    context.fillText(shape.label, left + 3, place[1] + size);
  }
}

// The smallest shape at a place of the image, within a few pixels for what has none inside.
function shapeAt(packet, shapes, x, y, near) {
  const context = document.createElement("canvas").getContext("2d");
  const size = (shape) => (shape.box ? Math.max(1, shape.box[2]) * Math.max(1, shape.box[3]) : 1);
  const hit = (shape) => {
    if (shape.kind === "points") {
      for (let at = shape.start; at < shape.start + shape.length; at += 2) {
        if (Math.hypot(packet.xy[at] - x, packet.xy[at + 1] - y) <= near) return true;
      }
      return false;
    }
    if (shape.kind === "mask") {
      const [height, width] = shape.size, column = Math.floor((x * width) / packet.width), row = Math.floor((y * height) / packet.height);
      const pixel = column * height + row;
      for (let run = shape.start, place = 0, on = false; run < shape.start + shape.length; run++, on = !on) {
        place += packet.runs[run];
        if (pixel < place) return on;
      }
      return false;
    }
    outline(context, packet, shape);
    context.lineWidth = 2 * near;
    return (shape.kind !== "line" && context.isPointInPath(x, y)) || context.isPointInStroke(x, y);
  };
  return shapes.filter(hit).sort((one, other) => size(one) - size(other))[0] || null;
}
