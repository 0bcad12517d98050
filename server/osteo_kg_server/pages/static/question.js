/* The editor of a question: YASQE with the terms of this service, asking nothing of anybody else and keeping nothing. */
"use strict";

(() => {
  const place = document.getElementById("editor");
  const field = document.getElementById("query");
  if (!place || !field || typeof Yasqe === "undefined") {
    return;
  }
  const form = field.form;
  const SHOWN = 60; // completions at once

  let known; // the promise of our prefixes and terms, asked for when the editor is first used
  const terms = () => {
    known ??= fetch(place.dataset.terms)
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
      .catch(() => ({ prefixes: {}, terms: [] }));
    return known;
  };

  /* Completion: by the end of the IRI or by the label, those first that begin with what is written. */

  const shortened = (iri, prefixes) => {
    const names = Object.entries(prefixes).filter(([, start]) => iri.startsWith(start) && iri.length > start.length);
    const [longest] = names.sort(([, one], [, other]) => other.length - one.length);
    return longest ? `${longest[0]}:${iri.slice(longest[1].length)}` : `<${iri}>`;
  };

  const wantedKind = (yasqe, token) => {
    const before = yasqe.getPreviousNonWsToken(yasqe.getDoc().getCursor().line, token);
    if (["a", "rdf:type", "rdfs:subClassOf", "rdfs:domain", "rdfs:range"].includes(before?.string)) {
      return "class";
    }
    return (token.state?.possibleCurrent ?? []).includes("a") ? "property" : null;
  };

  const fitting = (found, written, kind) => {
    const sought = written.toLowerCase();
    const ranked = [];
    for (const each of found) {
      const name = each.iri.slice(Math.max(each.iri.lastIndexOf("/"), each.iri.lastIndexOf("#")) + 1).toLowerCase();
      const label = each.label.toLowerCase();
      if (!name.includes(sought) && !label.includes(sought)) {
        continue;
      }
      const rank = (kind && each.kind !== kind ? 4 : 0) + (name.startsWith(sought) ? 0 : label.startsWith(sought) ? 1 : 2);
      ranked.push([rank, name, each]);
    }
    ranked.sort((one, other) => one[0] - other[0] || (one[1] < other[1] ? -1 : 1));
    return ranked.slice(0, SHOWN).map(([, , each]) => each);
  };

  const drawnHint = (element, _, hint) => {
    element.append(hint.text);
    if (hint.label) {
      const label = document.createElement("span");
      label.className = "label";
      label.textContent = hint.label;
      element.append(label);
    }
  };

  const ours = {
    name: "ours",
    bulk: false,
    autoShow: false,
    get: () => [],
    isValidCompletionPosition: (yasqe) => {
      const token = yasqe.getCompleteToken();
      const before = yasqe.getPreviousNonWsToken(yasqe.getDoc().getCursor().line, token);
      return !/^[?$"'#]/.test(token.string) && before?.string.toUpperCase() !== "PREFIX";
    },
  };

  const hints = async (yasqe) => {
    const { prefixes, terms: found } = await terms();
    const token = yasqe.getCompleteToken();
    const line = yasqe.getDoc().getCursor().line;
    const written = token.string.trim().replace(/^<|>$/g, "").replace(/^[\w-]*:(?!\/\/)/, "").replace(/^.*[/#]/, "");
    const list = fitting(found, written, wantedKind(yasqe, token)).map((each) => ({
      text: shortened(each.iri, prefixes),
      label: each.label,
      render: drawnHint,
    }));
    const start = token.string.trim() ? token.start : yasqe.getDoc().getCursor().ch;
    return { list, from: { line, ch: start }, to: { line, ch: token.string.trim() ? token.end : start } };
  };

  /* A prefix that is not declared yet is declared when a term with it is chosen. */

  const declared = async (yasqe, hint) => {
    const { prefixes } = await terms();
    const name = /^([\w-]+):/.exec(hint.text)?.[1];
    if (name && prefixes[name] && !(name in yasqe.getPrefixesFromQuery())) {
      yasqe.addPrefixes({ [name]: prefixes[name] });
    }
  };

  const complete = (yasqe) => {
    if (!ours.isValidCompletionPosition(yasqe)) {
      return;
    }
    yasqe.showHint({
      completeSingle: false,
      closeCharacters: /[\s>"]/,
      container: yasqe.rootEl,
      hint: async (editor) => {
        const found = await hints(editor);
        Yasqe.on(found, "pick", (hint) => declared(editor, hint));
        return found;
      },
    });
  };

  const run = (yasqe) => {
    field.value = yasqe.getValue();
    form.requestSubmit();
  };

  /* YASQE: without its completions, its own requests, its share links and its storage. */

  for (const name of ["prefixes", "property", "class"]) {
    delete Yasqe.Autocompleters[name]; // they ask other hosts, or keep what they know in the storage of the browser
  }
  Yasqe.defaults.autocompleters = ["variables"]; // what is configured is only laid over the defaults

  const yasqe = new Yasqe(place, {
    value: field.value,
    persistenceId: null,
    consumeShareLink: null,
    createShareableLink: null,
    prefixCcApi: null,
    showQueryButton: false,
    resizeable: false,
    queryingDisabled: "The page asks.",
    editorHeight: "auto",
    requestConfig: { endpoint: "/sparql", method: "GET" },
    extraKeys: {
      Tab: false,
      "Shift-Tab": false,
      "Ctrl-Space": complete,
      "Ctrl-Enter": run,
      "Cmd-Enter": run,
      "Ctrl-S": false,
      "Shift-Ctrl-F": (editor) => editor.autoformat(),
      "Ctrl-/": (editor) => editor.commentLines(),
    },
  });
  document.body.classList.add("has-editor");
  document.getElementById("keys").hidden = false;
  yasqe.getScrollerElement().tabIndex = 0; // else a long question cannot be scrolled by the keyboard
  const input = yasqe.getInputField();
  input.setAttribute("aria-label", place.dataset.label);
  if (field.hasAttribute("aria-describedby")) {
    input.setAttribute("aria-describedby", field.getAttribute("aria-describedby"));
  }
  field.form.querySelector("label").addEventListener("click", () => yasqe.focus());
  form.addEventListener("submit", () => {
    field.value = yasqe.getValue();
  });
  yasqe.on("focus", terms);
  yasqe.on("inputRead", (editor, change) => {
    if (/^[\w:]$/.test(change.text.join("")) && /[\w-]*:[\w-]*$/.test(editor.getCompleteToken().string)) {
      complete(editor);
    }
  });

  /* Where the service found a mistake, the editor shows it. */

  const line = Number(place.dataset.line) - 1;
  if (line >= 0) {
    const column = Number(place.dataset.column) - 1;
    const document_ = yasqe.getDoc();
    document_.addLineClass(line, "background", "wrong-line");
    document_.markText({ line, ch: column }, { line, ch: column + 1 }, { className: "wrong-place" });
    document_.setCursor({ line, ch: column });
    yasqe.focus();
  }
})();
