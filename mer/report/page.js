"use strict";
// Tables sort by the buttons in their heads and are filtered by a field above them. Without this script they are as written.

const valueOf = (cell) => ("value" in cell.dataset ? Number(cell.dataset.value) : null);

function compare(one, other) {
  const [first, second] = [valueOf(one), valueOf(other)];
  if (first !== null && second !== null) return first - second;
  return one.textContent.localeCompare(other.textContent, undefined, { numeric: true });
}

function sortBy(table, head) {
  const column = head.cellIndex;
  const isDown = head.getAttribute("aria-sort") === "ascending";
  const isNone = (cell) => cell.textContent === "-";
  const rows = [...table.tBodies[0].rows].sort((one, other) => {
    const [first, second] = [one.cells[column], other.cells[column]];
    if (isNone(first) || isNone(second)) return isNone(first) - isNone(second); // cells without a value stay below
    return (isDown ? -1 : 1) * compare(first, second);
  });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  table.tBodies[0].append(...rows);
}

function addSorting(table) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sortBy(table, head));
    head.append(button);
  }
}

function addFilter(table, number) {
  const rows = [...table.tBodies[0].rows];
  const label = document.createElement("label");
  const field = document.createElement("input");
  const count = document.createElement("output");
  field.type = "search";
  field.id = `filter-${number}`;
  label.htmlFor = field.id;
  label.textContent = "Show rows with";
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
  };
  field.addEventListener("input", show);
  show();
  const line = document.createElement("div");
  line.className = "filter";
  line.append(label, field, count);
  table.parentElement.before(line);
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const closed = target?.closest("details");
  if (!closed) return;
  closed.open = true;
  target.scrollIntoView();
}

document.querySelectorAll("table.data").forEach((table, number) => {
  if (table.tBodies[0].rows.length > 1) addSorting(table);
  if ("filter" in table.dataset) addFilter(table, number);
});
window.addEventListener("hashchange", openTarget);
window.addEventListener("beforeprint", () => document.querySelectorAll("details.run").forEach((run) => (run.open = true)));
openTarget();
