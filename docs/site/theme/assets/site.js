// Names and keyboard access for the parts of Material that have none. Its own script makes some of them late.
"use strict";

function complete() {
  document.querySelector(".md-search:not([aria-label])")?.setAttribute("aria-label", "Search");
  for (const nav of document.querySelectorAll(".md-nav--primary nav[aria-labelledby]")) {
    const title = nav.closest("li").querySelector(".md-ellipsis").textContent.trim();
    nav.removeAttribute("aria-labelledby");
    nav.setAttribute("aria-label", `Pages of ${title}`);
  }
  // Parts of a table of contents, and of a code block, are no landmarks of their own.
  for (const nav of document.querySelectorAll(".md-nav--secondary nav:not([role]), .md-code__nav:not([role])")) {
    nav.removeAttribute("aria-label");
    nav.setAttribute("role", "none");
  }
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) wide.tabIndex = 0;
  for (const code of document.querySelectorAll("pre > code:not([tabindex])")) {
    if (code.scrollWidth > code.clientWidth) code.tabIndex = 0;
  }
}

complete();
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", complete);
