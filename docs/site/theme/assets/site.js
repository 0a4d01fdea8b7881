// Names and keyboard access for the parts of Material that have none. Its own script makes some of them late.
"use strict";

function complete() {
  document.querySelector(".md-search:not([aria-label])")?.setAttribute("aria-label", "Search");
  for (const nav of document.querySelectorAll(".md-nav--primary nav[aria-labelledby]")) {
    const title = nav.closest("li").querySelector(".md-ellipsis").textContent.trim();
    nav.removeAttribute("aria-labelledby");
    nav.setAttribute("aria-label", `Pages of ${title}`);
  }
  for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) nav.setAttribute("role", "none");
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wide.tabIndex = 0;
}

document.addEventListener("DOMContentLoaded", () => {
  complete();
  new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
});
