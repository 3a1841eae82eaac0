// A sound with its segments on a time line, or a text with its spans: what a file is beside pictures.
const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

function makeMedia(parent, { isHidden }) {
  const box = element("div", parent, "", { class: "media" });
  let address = null, sound = null, shown = "", unit = "audio"; // a text's numbers are as the export has them

  function drop() {
    if (sound) { sound.pause(); sound.removeAttribute("src"); sound.load(); }
    if (address) URL.revokeObjectURL(address);
    address = sound = null;
    box.replaceChildren();
  }

  const when = (segment) => [segment.start, segment.end].filter((moment) => moment !== null)
    .map(unit === "audio" ? clock : String).join(" \u2013 ");

  function play(segment) { // from its start to its end
    if (!sound || segment.start === null) return;
    sound.dataset.until = segment.end === null ? "" : segment.end;
    sound.currentTime = segment.start;
    sound.play().catch(() => {}); // a browser that plays nothing before it was clicked says so itself
  }

  function marks(segments) { // which of them sounds now
    for (const node of box.querySelectorAll("[data-place]")) {
      const { start, end } = segments[Number(node.dataset.place)];
      node.classList.toggle("now", Boolean(sound) && start !== null && sound.currentTime >= start && sound.currentTime < (end === null ? start + 1 : end));
    }
  }

  function line(segments) { // where in the sound they are
    const ends = segments.flatMap((segment) => [segment.start, segment.end]).filter((moment) => moment !== null);
    const strip = element("div", box, "", { class: "timeline" });
    const lay = () => {
      const length = sound && Number.isFinite(sound.duration) ? sound.duration : Math.max(1, ...ends);
      for (const node of strip.querySelectorAll("[data-place]")) {
        const { start, end } = segments[Number(node.dataset.place)];
        node.style.left = `${(100 * start) / length}%`;
        node.style.width = `${Math.max(0.6, (100 * ((end === null ? start : end) - start)) / length)}%`;
      }
    };
    segments.forEach((segment, place) => {
      if (segment.start === null) return;
      const node = element("button", strip, "", { type: "button", title: `${segment.name}, ${when(segment)}: ${segment.text}`, "data-place": place });
      node.style.background = segment.color;
      node.addEventListener("click", () => play(segment));
    });
    lay();
    if (sound) {
      const hand = element("span", strip, "", { class: "hand" });
      sound.addEventListener("loadedmetadata", lay);
      sound.addEventListener("timeupdate", () => {
        if (sound.dataset.until && sound.currentTime >= Number(sound.dataset.until)) { sound.pause(); sound.dataset.until = ""; }
        hand.style.left = `${(100 * sound.currentTime) / (sound.duration || 1)}%`;
        marks(segments);
      });
      strip.addEventListener("click", (event) => {
        if (event.target.dataset.place || !Number.isFinite(sound.duration)) return;
        sound.dataset.until = "";
        sound.currentTime = ((event.clientX - strip.getBoundingClientRect().left) / strip.clientWidth) * sound.duration;
      });
    }
  }

  function list(segments) {
    const table = element("table", box, "", { class: "segments" });
    segments.forEach((segment, place) => {
      const row = element("tr", table, "", { "data-place": place });
      const first = element("td", row);
      element("span", first, "", { class: "swatch" }).style.background = segment.color;
      element("span", first, segment.name);
      const moment = element("td", row);
      if (sound && segment.start !== null) {
        const node = element("button", moment, when(segment), { type: "button", title: "Play this segment" });
        node.addEventListener("click", () => play(segment));
      } else moment.textContent = when(segment);
      element("td", row, segment.text || "\u2013");
    });
  }

  function read(pieces, segments) { // text nodes alone, never HTML
    const text = element("div", box, "", { class: "text-body", tabindex: "0" });
    for (const [piece, place] of pieces) {
      if (place < 0) { text.appendChild(document.createTextNode(piece)); continue; }
      const span = element("mark", text, piece, { title: segments[place].name });
      span.style.background = segments[place].color;
      span.style.color = ink(segments[place].color);
    }
  }

  return {
    box,
    show(packet) {
      const media = packet && packet.media, key = media ? `${packet.index}:${packet.name}:${packet.sound ? packet.sound.size : 0}:${Boolean(media.pieces)}` : "";
      box.hidden = !media || isHidden();
      if (box.hidden && sound) sound.pause();
      if (shown === key) return;
      shown = key;
      drop();
      if (!media) return;
      unit = media.kind;
      if (packet.sound) {
        address = URL.createObjectURL(packet.sound);
        sound = element("audio", box, "", { controls: "", preload: "metadata", "aria-label": packet.name });
        sound.src = address;
      }
      if (media.kind === "audio" && media.segments.length) line(media.segments);
      if (media.pieces) read(media.pieces, media.segments);
      if (media.segments.length) list(media.segments);
      else if (media.kind === "audio") element("p", box, "No segments on this file.");
    },
    hasSound: () => Boolean(sound),
    toggle() { if (sound.paused) sound.play().catch(() => {}); else sound.pause(); },
    close() { drop(); shown = ""; },
  };
}
