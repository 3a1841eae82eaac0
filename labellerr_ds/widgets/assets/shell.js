// An invisible part of a panel made of core widgets: guards the keys of the whole, names it for screen readers, and copies.
function render({ model, el }) {
  el.style.display = "none";
  const undo = [];
  const attach = () => {
    const root = el.closest(".labellerr-panel");
    if (!root) return false;
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", model.get("label"));
    const lines = [...root.querySelectorAll(".labellerr-live")];
    for (const line of lines) {
      line.setAttribute("role", "status");
      line.setAttribute("aria-live", "polite");
    }
    const bar = root.querySelector(".progress"), line = lines[lines.length - 1];
    if (bar && line) { // what the line says is how far it is
      bar.setAttribute("role", "progressbar");
      bar.setAttribute("aria-label", "Progress of the export");
      const tell = () => bar.setAttribute("aria-valuetext", line.textContent);
      const watch = new MutationObserver(tell);
      watch.observe(line, { childList: true, characterData: true, subtree: true });
      undo.push(() => watch.disconnect());
      tell();
    }
    const copy = async (event) => {
      const button = event.target.closest(".labellerr-copy"), input = root.querySelector(".labellerr-code input");
      if (!button || !input) return;
      try { await navigator.clipboard.writeText(input.value); }
      catch { // where the page is not served safely, the old way
        input.disabled = false;
        input.select();
        document.execCommand("copy");
        input.disabled = true;
      }
      const text = button.textContent;
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = text; }, 1500);
    };
    root.addEventListener("click", copy);
    undo.push(() => root.removeEventListener("click", copy), guard(root, null));
    return true;
  };
  if (!attach()) {
    const timer = setInterval(() => attach() && clearInterval(timer), 50);
    undo.push(() => clearInterval(timer));
  }
  return () => { for (const each of undo) each(); };
}
export default { render };
