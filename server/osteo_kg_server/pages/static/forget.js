/* htmx notes the address of the page in the storage of the browser, for a history that is turned off; nothing is kept. */
"use strict";

(() => {
  const forget = () => sessionStorage.removeItem("htmx-current-path-for-history");
  forget();
  for (const event of ["htmx:afterSettle", "htmx:pushedIntoHistory", "htmx:replacedInHistory"]) {
    document.addEventListener(event, forget);
  }
})();
