// Behaviour of the whole interface: menus, dialogs, theme, toasts. Texts come from the markup.
(() => {
  "use strict";

  // Menus: <details data-menu> close on Escape and on a click elsewhere.
  const openMenus = () => document.querySelectorAll("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  // A row of tabs that is wider than the screen begins with the one that is open.
  document.querySelector('.tabs [aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });

  // Dialogs: [data-dialog-open="id"] opens, [data-dialog-close] closes; a dirty form is not lost to the backdrop or Escape.
  const isDirty = (dialog) =>
    [...dialog.querySelectorAll("input:not([type=hidden]), textarea")].some((field) =>
      field.type === "checkbox" || field.type === "radio" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue,
    ) || [...dialog.querySelectorAll("option")].some((option) => option.selected !== option.defaultSelected && option.defaultSelected);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialogOpen);
      if (dialog) {
        event.preventDefault();
        dialog.showModal();
      }
      return;
    }
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) {
      const dialog = closer.closest("dialog");
      if (dialog) {
        event.preventDefault();
        dialog.close();
      }
      return;
    }
    if (event.target instanceof HTMLDialogElement && event.target.open && !isDirty(event.target)) event.target.close();
  });
  document.addEventListener(
    "cancel",
    (event) => {
      if (event.target instanceof HTMLDialogElement && isDirty(event.target)) event.preventDefault();
    },
    true,
  );
  // A fragment that is a dialog opens itself; the server closes dialogs with HX-Trigger: close-dialog.
  const openFresh = (root) => {
    for (const dialog of root.querySelectorAll("dialog[data-open]")) {
      dialog.removeAttribute("data-open");
      if (!dialog.open) dialog.showModal();
    }
  };
  document.addEventListener("close-dialog", () => {
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  });

  // [data-confirms] is enabled once its form's [data-confirm-name] holds the name that is asked for.
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-confirm-name]");
    if (!field) return;
    for (const button of field.form.querySelectorAll("[data-confirms]")) button.disabled = field.value.trim() !== field.dataset.confirmName;
  });
  const guard = (root) => {
    for (const field of root.querySelectorAll("[data-confirm-name]"))
      for (const button of field.form.querySelectorAll("[data-confirms]")) button.disabled = field.value.trim() !== field.dataset.confirmName;
  };

  // Forms that send themselves when a choice changes: <form data-submit-on-change>.
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form && form.hasAttribute("data-submit-on-change") && !form.hasAttribute("hx-get")) form.requestSubmit();
  });

  // Theme: at once here, and on the server where the form has an address.
  const showTheme = (choice) => {
    const root = document.documentElement;
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-form] button[name=theme]")) button.setAttribute("aria-pressed", String(button.value === choice));
  };
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-theme-form]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    const choice = event.submitter.value;
    const before = document.documentElement.dataset.theme || "system";
    showTheme(choice);
    try {
      if (choice === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", choice);
    } catch {
      // Storage may be forbidden; the choice then lasts for this page.
    }
    if (form.hasAttribute("data-theme-local")) return;
    const body = new FormData(form);
    body.set("theme", choice);
    fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" }, redirect: "manual" })
      .then((response) => {
        if (!response.ok && response.type !== "opaqueredirect") throw new Error(String(response.status));
      })
      .catch(() => {
        showTheme(before);
        toast({ level: "error", title: regionText("retryText") });
      });
  });

  // Toasts: success and information leave after 5 s unless pointed at or focused; at most three.
  const region = () => document.getElementById("toasts");
  const regionText = (key) => (region() ? region().dataset[key] : "");
  const symbols = { success: "check", warning: "warning", error: "warning", information: "information" };
  const arm = (element) => {
    if (!element.classList.contains("toast--success") && !element.classList.contains("toast--information")) return;
    let timer = 0;
    const start = () => (timer = setTimeout(() => element.remove(), 5000));
    const stop = () => clearTimeout(timer);
    for (const name of ["pointerenter", "focusin"]) element.addEventListener(name, stop);
    for (const name of ["pointerleave", "focusout"]) element.addEventListener(name, start);
    start();
  };
  function toast({ level = "information", title = "", text = "", url = "", label = "" }) {
    const mould = document.getElementById("toast-template");
    if (!mould || !title) return;
    const element = mould.content.firstElementChild.cloneNode(true);
    const known = level in symbols ? level : "information";
    element.className = `toast toast--${known}`;
    element.setAttribute("role", known === "error" ? "alert" : "status");
    const use = element.querySelector(".toast-icon use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${symbols[known]}`));
    element.querySelector(".toast-title").textContent = title;
    const body = element.querySelector(".toast-text");
    body.textContent = text;
    body.hidden = !text;
    const action = element.querySelector(".toast-action");
    if (url && label && /^\/(?!\/)/.test(url)) {
      action.href = url;
      action.textContent = label;
      action.hidden = false;
    }
    region().append(element);
    const shown = region().querySelectorAll("[data-toast]");
    for (let index = 0; index < shown.length - 3; index += 1) shown[index].remove();
    arm(element);
  }
  document.addEventListener("toast", (event) => toast(event.detail || {}));
  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-toast-close]");
    if (closer) closer.closest("[data-toast]").remove();
  });

  // Requests that fail: 401 goes to the sign-in and comes back; the rest says so once.
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    if (xhr.status === 401) {
      const target = xhr.getResponseHeader("HX-Redirect");
      if (target) location.assign(target);
      else location.reload();
      return;
    }
    if (!isPolling(event)) toast({ level: "error", title: regionText("retryText"), text: xhr.getResponseHeader("X-Request-Id") || "" });
  });
  // Polling slows down while nobody answers: 2, 4, 8, then every 30 s.
  const waits = new WeakMap();
  const isPolling = (event) => (event.detail.elt.getAttribute("hx-trigger") || "").includes("every");
  const slower = (event) => {
    if (!isPolling(event)) return;
    const previous = waits.get(event.detail.elt);
    const delay = previous ? Math.min(previous.delay * 2, 30000) : 2000;
    if (!previous) toast({ level: "warning", title: regionText("offlineText") });
    waits.set(event.detail.elt, { delay, until: Date.now() + delay });
  };
  document.addEventListener("htmx:sendError", (event) => {
    if (isPolling(event)) slower(event);
    else toast({ level: "error", title: regionText("retryText") });
  });
  document.addEventListener("htmx:responseError", slower);
  document.addEventListener("htmx:beforeRequest", (event) => {
    const wait = waits.get(event.detail.elt);
    if (wait && isPolling(event) && Date.now() < wait.until) event.preventDefault();
  });
  document.addEventListener("htmx:afterOnLoad", (event) => waits.delete(event.detail.elt));

  // "/" goes to the page's search.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const field = document.querySelector("main input[type=search]");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  });

  // After a form came back with errors, the first wrong field has the focus.
  const focusWrong = (root) => {
    const field = root.querySelector('[aria-invalid="true"]');
    if (field) field.focus();
  };

  const start = (root) => {
    guard(root);
    openFresh(root);
  };
  document.addEventListener("htmx:afterSwap", (event) => {
    start(event.detail.elt.parentElement || document);
    focusWrong(event.detail.elt);
  });
  start(document);
  focusWrong(document);
  showTheme(document.documentElement.dataset.theme || "system");
  for (const element of document.querySelectorAll("#toasts > [data-toast]")) arm(element);
})();
