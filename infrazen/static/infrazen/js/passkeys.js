// Passkeys and security keys: <form data-passkey="create|get"> asks the browser for a credential and sends it.
// What the browser is asked with lies in the page (data-passkey-options="id" of a json_script) or at the form's own
// address (no such attribute). Texts come from the markup.
(() => {
  "use strict";
  const { webauthnJSON } = window;

  const optionsOf = async (form) => {
    const id = form.dataset.passkeyOptions;
    if (id) return JSON.parse(document.getElementById(id).textContent);
    const response = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  };

  // A key that signs in by itself has to keep its person's name and to know who holds it.
  const asPasskey = (options, isAlone) => {
    const choice = options.publicKey.authenticatorSelection;
    choice.residentKey = isAlone ? "required" : "discouraged";
    choice.requireResidentKey = isAlone;
    if (isAlone) choice.userVerification = "required";
    return options;
  };

  const credentialFor = async (form) => {
    const options = await optionsOf(form);
    if (form.dataset.passkey === "get") return webauthnJSON.get(options.request_options);
    const alone = form.elements.passwordless;
    return webauthnJSON.create(asPasskey(options.creation_options, Boolean(alone && alone.checked)));
  };

  const say = (form, error) => {
    const line = form.querySelector("[data-passkey-error]");
    const texts = { SecurityError: "textAddress", InvalidStateError: "textKnown" };
    line.querySelector("span").textContent = line.dataset[texts[error.name] || "textFailed"];
    line.hidden = false;
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!webauthnJSON || !webauthnJSON.supported()) continue;
    for (const part of form.querySelectorAll("[data-passkey-hidden]")) part.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("[type=submit]");
      form.querySelector("[data-passkey-error]").hidden = true;
      button.setAttribute("aria-busy", "true");
      try {
        form.elements.credential.value = JSON.stringify(await credentialFor(form));
        form.submit();
      } catch (error) {
        button.removeAttribute("aria-busy");
        say(form, error);
      }
    });
  }
})();
