// An invisible part of a panel made of core widgets: guards the keys of the whole, and names it for screen readers.
function render({ model, el }) {
  el.style.display = "none";
  let release = null;
  const attach = () => {
    const root = el.closest(".labellerr-panel");
    if (!root) return false;
    root.setAttribute("role", "region");
    root.setAttribute("aria-label", model.get("label"));
    for (const node of root.querySelectorAll(".labellerr-live")) {
      node.setAttribute("role", "status");
      node.setAttribute("aria-live", "polite");
    }
    release = guard(root, null);
    return true;
  };
  if (!attach()) {
    const timer = setInterval(() => attach() && clearInterval(timer), 50);
    return () => { clearInterval(timer); if (release) release(); };
  }
  return () => release && release();
}
export default { render };
