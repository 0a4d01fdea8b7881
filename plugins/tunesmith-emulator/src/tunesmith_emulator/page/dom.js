// Makes elements from text, never from markup: names that clients chose are shown unchanged.

const SVG = "http://www.w3.org/2000/svg";

/** Return the element with this id. */
export const byId = (id) => document.getElementById(id);

/** Make an element; an attribute that is null or false is left out, children are text or nodes. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set the text of a node, unless it is already there. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Show `items` in `list`, one node for each id, in order.
 *
 * A node stays while its item is there, so focus, selection and an open fold outlive an update;
 * `update(node, item)` runs only where the item has changed.
 */
export function keep(list, items, create, update) {
  const nodes = new Map([...list.children].map((node) => [node.dataset.id, node]));
  items.forEach((item, place) => {
    const node = nodes.get(item.id) ?? born(create, item);
    nodes.delete(item.id);
    const seen = JSON.stringify(item);
    if (node.seen !== seen) update(node, item);
    node.seen = seen;
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
  });
  nodes.forEach((node) => node.remove());
}

function born(create, item) {
  const node = create(item);
  node.dataset.id = item.id;
  return node;
}

/** A button that copies `text()` to the clipboard. */
export function copyButton(label, text) {
  const button = make("button", { type: "button", class: "quiet", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    const copied = await toClipboard(text());
    say(button, copied ? "Copied" : "Press Ctrl+C");
    setTimeout(() => say(button, "Copy"), 1600);
  });
  return button;
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
