"use strict";
// Filter, sort and pick. Without this script the table is whole, and the form still compares.
const byId = id => document.getElementById(id);
const body = byId("listing").tBodies[0];
const heads = [...document.querySelectorAll("#listing th[data-key]")];
const filters = ["find", "show", "status", "tone", "test"].map(byId).filter(Boolean);
const rows = [...body.rows].map(element => ({
  element,
  text: element.textContent.toLowerCase(),
  box: element.querySelector("input"),
}));
let picks = [];

const shown = (row, wanted) => {
  const data = row.element.dataset;
  const kind = wanted.show === "all" || (wanted.show ? data.kind === wanted.show : data.kind !== "trial");
  return kind
    && ["status", "tone", "test"].every(key => !wanted[key] || data[key] === wanted[key])
    && wanted.find.toLowerCase().split(/\s+/).every(word => row.text.includes(word));
};

function filter() {
  const wanted = Object.fromEntries(filters.map(input => [input.id, input.value.trim()]));
  let number = 0;
  for (const row of rows) {
    // What is picked stays in sight.
    row.element.hidden = !(row.box?.checked || shown(row, wanted));
    number += !row.element.hidden;
  }
  byId("count").textContent = `${number} of ${rows.length} lines`;
}

function remember() {
  const state = new URLSearchParams(filters.filter(i => i.value).map(i => [i.id, i.value]));
  const head = heads.find(one => one.ariaSort);
  state.set("sort", head.dataset.key);
  state.set("order", head.ariaSort);
  history.replaceState(null, "", `?${state}`);
}

const valueOf = (row, place) => {
  const cell = row.element.cells[place];
  const value = cell.dataset.value ?? cell.textContent.trim().toLowerCase();
  return value === "" ? null : cell.dataset.value === undefined ? value : Number(value);
};

function sort(head, order) {
  for (const one of heads) one.ariaSort = one === head ? order : null;
  const place = head.cellIndex;
  const sign = order === "ascending" ? 1 : -1;
  const keyed = rows.map(row => [valueOf(row, place), row]);
  // A line without a value is last in both orders.
  keyed.sort(([a], [b]) => (a === null) - (b === null) || sign * ((a > b) - (a < b)));
  body.append(...keyed.map(([, row]) => row.element));
}

function pick() {
  const checked = rows.filter(row => row.box?.checked);
  picks = [...picks.filter(row => checked.includes(row)), ...checked.filter(row => !picks.includes(row))];
  const test = picks[0]?.element.dataset.test;
  for (const row of rows) {
    row.element.classList.toggle("picked", picks.includes(row));
    row.element.classList.toggle("apart", picks.length > 0 && row.element.dataset.test !== test);
  }
  const names = picks.map(row => row.element.querySelector(".c-method").firstChild.textContent.trim());
  const apart = picks.some(row => row.element.dataset.test !== test);
  byId("picked").textContent = !picks.length ? "Pick two runs to compare them."
    : picks.length === 1 ? `${names[0]} is picked. Pick another run; the pale ones have other test rows.`
    : `${names[0]} against ${names.slice(1).join(", ")}${apart ? ": their test rows differ" : ""}`;
  byId("go").disabled = picks.length < 2;
  byId("clear").hidden = !picks.length;
}

byId("listing").closest("form").addEventListener("submit", event => {
  event.preventDefault();  // the order of the picks counts, not that of the table
  location.href = `/compare?${new URLSearchParams(picks.map(row => ["run", row.box.value]))}`;
});
body.addEventListener("change", pick);
byId("clear").addEventListener("click", () => {
  for (const row of picks) row.box.checked = false;
  pick();
  filter();
});
for (const input of filters) input.addEventListener("input", () => { filter(); remember(); });
for (const head of heads) {
  head.firstElementChild.disabled = false;
  head.firstElementChild.addEventListener("click", () => {
    const first = head.classList.contains("c-name") || head.classList.contains("c-method")
      || head.classList.contains("c-verdict") || head.classList.contains("c-test") ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    sort(head, head.ariaSort === first ? other : first);
    remember();
  });
}

const state = new URLSearchParams(location.search);
for (const input of filters) if (state.has(input.id)) input.value = state.get(input.id);
const head = heads.find(one => one.dataset.key === state.get("sort"));
if (head) sort(head, state.get("order") === "ascending" ? "ascending" : "descending");
document.querySelector(".filters").hidden = false;
// A browser restores the boxes when one comes back to the page.
addEventListener("pageshow", () => { pick(); filter(); });
