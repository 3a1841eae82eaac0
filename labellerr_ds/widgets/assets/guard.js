// Keys typed in a panel belong to the panel: JupyterLab would cut, insert or change cells on single letters.
// Lab listens on the document while an event goes down to its target; the window comes before that.
export function guard(root, handle, closed = () => false) {
  const listen = (event) => {
    if (!root.isConnected || !root.contains(event.target)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.shiftKey) return; // runs the cell
    if (event.key === "Escape" && closed()) { // what was open is closed first
      event.stopImmediatePropagation();
      event.preventDefault();
      return;
    }
    if (event.key === "Escape") { // back to the cell, where keys are Lab's again
      const cell = root.closest(".jp-Cell");
      if (cell) cell.focus({ preventScroll: true });
      return;
    }
    event.stopImmediatePropagation(); // what the browser itself does with the key goes on
    if (handle) handle(event);
  };
  window.addEventListener("keydown", listen, true);
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  return () => window.removeEventListener("keydown", listen, true);
}
