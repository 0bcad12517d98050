// Comfort of the form of a patient; without it everything is done by whole pages.
"use strict";

(() => {
  const form = document.getElementById("patient");
  const upload = document.getElementById("upload");
  const changed = () => form.dispatchEvent(new Event("change", { bubbles: true }));

  const numberOf = (row) => Number(row.id.split(".")[1]);
  const append = (name) => {
    const rows = document.getElementById(`rows-${name}`);
    const last = Math.max(0, ...Array.from(rows.children, numberOf));
    rows.insertAdjacentHTML(
      "beforeend",
      document.getElementById(`row-${name}`).innerHTML.replaceAll("__N__", String(last + 1)),
    );
    const some = form.querySelector(`input[name="${name}"][value="some"]`);
    if (some) some.checked = true;
    return rows.lastElementChild;
  };
  const add = (name) => append(name).querySelector("select, input").focus();
  const isEmpty = (row) => !Array.from(row.querySelectorAll("select, input")).some((each) => each.value);
  // The focus stays where it is: arrows go through the choices, and "yes" is only one of them.
  form.addEventListener("change", ({ target }) => {
    const rows = target.type === "radio" && document.getElementById(`rows-${target.name}`);
    if (!rows) return;
    if (target.value !== "some") Array.from(rows.children).filter(isEmpty).forEach((row) => row.remove());
    else if (!rows.children.length) append(target.name);
  });
  const remove = (button) => {
    const row = button.closest(".row");
    const back = row.closest("fieldset").querySelector("[data-add]");
    row.remove();
    back.focus();
    changed();
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const adding = target && target.closest("[data-add]");
    const removing = target && target.closest("[data-remove]");
    const language = target && target.closest("a[data-language]");
    if (adding) {
      event.preventDefault();
      add(adding.dataset.add);
    } else if (removing) {
      event.preventDefault();
      remove(removing);
    } else if (language && isFilled()) {
      event.preventDefault(); // an address would lose what was entered
      form.action = `/assess?language=${language.dataset.language}`;
      form.submit();
    } else if (target && target.closest("[data-print]")) {
      window.print();
    } else if (target && target.closest('a[href^="#field-"]')) {
      event.preventDefault();
      lead(target.closest("a").getAttribute("href").slice(1));
    }
  });

  // What a link leads to is opened, and gets the focus.
  function lead(id) {
    const field = document.getElementById(id);
    if (!field) return;
    const folded = field.closest("details");
    if (folded) folded.open = true;
    const control = field.matches("input, select") ? field : field.querySelector("input, select") || field;
    control.focus();
    control.scrollIntoView({ block: "center" });
  }

  function isFilled() {
    for (const [name, value] of new FormData(form)) if (value && name !== "on") return true;
    return false;
  }

  // With live answers the button is not needed; Enter asks for the answer beside the form.
  if (window.htmx) {
    document.getElementById("ask").hidden = true;
    form.addEventListener("submit", (event) => {
      if (event.submitter && (event.submitter.name || event.submitter.hasAttribute("formaction"))) return;
      event.preventDefault();
      changed();
    });
  }
  const ready = () => {
    for (const each of document.querySelectorAll("[data-print]")) each.hidden = false;
    for (const each of form.querySelectorAll("input:not([type=radio], [type=checkbox]), select")) {
      const told = (each.getAttribute("aria-describedby") || "").split(" ").pop();
      const wrong = told && document.getElementById(told);
      const isWrong = Boolean(wrong && wrong.textContent.trim());
      if (isWrong) each.setAttribute("aria-invalid", "true");
      else each.removeAttribute("aria-invalid");
    }
  };
  document.addEventListener("htmx:afterSettle", ready);
  ready();
  const summary = document.getElementById("summary");
  if (summary) summary.focus();

  // A file that is dropped on the form is read as if it had been chosen.
  const input = document.getElementById("field-file");
  for (const zone of [form, upload]) {
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      upload.classList.add("dropping");
    });
    zone.addEventListener("dragleave", () => upload.classList.remove("dropping"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      upload.classList.remove("dropping");
      if (!event.dataTransfer || !event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      upload.submit();
    });
  }
  input.addEventListener("change", () => input.files.length && upload.submit());
})();
