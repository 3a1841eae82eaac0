// Thumbnails of all files in a list that scrolls: only what is in sight is there, and is asked for.
const COLUMNS = 4, ROW = 168, TALLEST = 8e6; // pixels; browsers give up beyond some ten millions
const PICTURES = 240; // thumbnails that are kept

function caption(canvas, word) { // in the middle of what has no picture
  const context = canvas.getContext("2d");
  context.font = "20px sans-serif"; context.textAlign = "center"; context.fillStyle = "#fff";
  context.fillText(word, canvas.width / 2, canvas.height / 2);
}

function makeGrid(parent, { count, ask, open, look }) {
  const box = element("div", parent, "", { class: "grid", role: "listbox", "aria-label": "Files", tabindex: "-1" });
  const inner = element("div", box, "", { class: "inner" });
  const tiles = new Map(), kept = new Map();
  let asked = null, timer = null, chosen = 0;
  const rows = () => Math.ceil(count() / COLUMNS);
  const tall = () => Math.min(TALLEST, rows() * ROW);
  const ratio = () => (rows() * ROW - box.clientHeight) / Math.max(1, tall() - box.clientHeight); // 1 where nothing had to be shortened
  const top = () => box.scrollTop * ratio(); // where the list is, in pixels of all its rows

  function inSight() {
    const first = Math.max(0, Math.floor(top() / ROW) - 1), last = Math.ceil((top() + box.clientHeight) / ROW) + 1;
    return [first * COLUMNS, Math.min(count(), last * COLUMNS)];
  }

  function place(page, tile) {
    tile.style.top = `${Math.floor(page / COLUMNS) * ROW - top() + box.scrollTop}px`;
    tile.style.left = `${((page % COLUMNS) * 100) / COLUMNS}%`;
  }

  function layOut() {
    if (box.hidden) return;
    inner.style.height = `${tall()}px`;
    const [start, stop] = inSight();
    for (const [page, tile] of tiles) {
      if (page < start || page >= stop) { tile.remove(); tiles.delete(page); }
    }
    for (let page = start; page < stop; page++) {
      if (!tiles.has(page)) {
        const tile = element("button", inner, "", { type: "button", class: "tile", role: "option" });
        element("canvas", tile);
        element("span", tile, `${page + 1}`);
        tile.addEventListener("click", () => open(page));
        tile.addEventListener("focus", () => { chosen = page; mark(); });
        tiles.set(page, tile);
        fill(page);
      }
      place(page, tiles.get(page));
    }
    mark();
    clearTimeout(timer);
    timer = setTimeout(request, 60); // what is scrolled past is not asked for
  }

  function mark() {
    for (const [page, tile] of tiles) {
      tile.setAttribute("aria-selected", String(page === chosen));
      tile.tabIndex = page === chosen ? 0 : -1;
    }
  }

  function request() {
    if (asked || box.hidden) return;
    const [start, stop] = inSight();
    const pages = [];
    for (let page = start; page < stop; page++) if (!kept.has(page)) pages.push(page);
    if (pages.length) { asked = pages; ask(pages); }
    else box.dataset.drawn = `${start}-${stop}`;
  }

  function fill(page) {
    const packet = kept.get(page), tile = tiles.get(page);
    if (!packet || !tile) return;
    paint(tile.firstChild, packet, { ...look(), longest: 240, labels: false, view: null });
    if (packet.media) caption(tile.firstChild, packet.media.kind);
    const text = `${packet.name} (${(packet.media ? packet.media.segments : packet.shapes).length})`;
    tile.lastChild.textContent = text;
    tile.title = text;
  }

  box.addEventListener("scroll", () => requestAnimationFrame(layOut));
  return {
    box,
    show(page) { chosen = page; box.dataset.drawn = ""; layOut(); this.reveal(); },
    repaint() { for (const page of tiles.keys()) fill(page); },
    receive(packet) {
      hold(kept, packet, PICTURES, (page) => tiles.has(page));
      fill(packet.index);
    },
    done() { asked = null; request(); },
    move(step) { this.go(chosen + step); },
    go(page) { chosen = Math.max(0, Math.min(count() - 1, page)); this.reveal(); const tile = tiles.get(chosen); if (tile) tile.focus(); },
    reveal() {
      const from = Math.floor(chosen / COLUMNS) * ROW;
      if (from < top() || from + ROW > top() + box.clientHeight) {
        box.scrollTop = Math.max(0, (from - (box.clientHeight - ROW) / 2) / ratio());
        layOut();
      }
    },
    reach(page) { chosen = page; this.reveal(); mark(); },
    enter() { open(chosen); },
    reset() { // what a page's number means has changed
      for (const packet of kept.values()) if (packet.bitmap) packet.bitmap.close();
      for (const tile of tiles.values()) tile.remove();
      kept.clear(); tiles.clear();
      asked = null;
      chosen = 0;
    },
    close() { for (const packet of kept.values()) if (packet.bitmap) packet.bitmap.close(); },
  };
}
