// Runs before the first paint: the choice of a reader who is not signed in lives in localStorage under "theme".
(() => {
  "use strict";
  const root = document.documentElement;
  if (root.dataset.theme || root.hasAttribute("data-signed-in")) return;
  try {
    const stored = localStorage.getItem("theme");
    if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  } catch {
    // Storage may be forbidden; the system's theme stays.
  }
})();
