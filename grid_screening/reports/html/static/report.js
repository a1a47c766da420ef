"use strict";
// Running age, sorting, filtering. Without this script everything is readable.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);

  // ---- age -------------------------------------------------------------------

  const UNITS = [["d", 86400000], ["h", 3600000], ["min", 60000]];
  const CLOCK_TOLERANCE_MS = 300000;

  function span(ms) {
    const parts = [];
    let rest = ms;
    for (const [unit, size] of UNITS) {
      const count = Math.floor(rest / size);
      rest -= count * size;
      if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}`);
    }
    return parts.join(" ") || "less than a minute";
  }

  function tellAge() {
    const dated = byId("dated");
    const age = Date.now() - Number(dated.dataset.dated);
    const fresh = dated.dataset.fresh === undefined
      ? Infinity : Number(dated.dataset.fresh);
    const early = age < -CLOCK_TOLERANCE_MS;
    const stale = byId("stale");
    stale.hidden = !early && age <= fresh;
    byId("age").hidden = early;
    byId("age").textContent = `Age: ${span(Math.max(age, 0))}`;
    const text = early
      ? `This report is dated ${span(-age)} in the future: check this computer's clock.`
      : `STALE: this report is ${span(age)} old. Scan again before you act on it.`;
    if (!stale.hidden && stale.textContent !== text) stale.textContent = text;
    document.title = (stale.hidden ? "" : early ? "[DATE?] " : "[STALE] ") + title;
  }

  const title = document.title;
  tellAge();
  setInterval(tellAge, 30000);
  document.addEventListener("visibilitychange", tellAge);

  // ---- ranked contracts ------------------------------------------------------

  const table = byId("ranking");
  const rows = table ? all("tbody > tr", table) : [];
  const blocks = all("#contract-list > details");

  function cellValue(row, column, isText) {
    const text = row.cells[column].textContent.trim();
    if (isText) return text || null;
    const number = parseFloat(text.replace("\u2212", "-"));
    return Number.isNaN(number) ? null : number;
  }

  function sortBy(heading, column) {
    const isText = heading.hasAttribute("data-text");
    const descending = heading.getAttribute("aria-sort") === "ascending";
    const sign = descending ? -1 : 1;
    const keyed = rows.map((row, place) => ({
      place, value: cellValue(row, column, isText),
    }));
    keyed.sort((a, b) => {
      if (a.value === null || b.value === null) {
        return (a.value === null) - (b.value === null) || a.place - b.place;
      }
      const order = a.value < b.value ? -1 : Number(a.value > b.value);
      return sign * order || a.place - b.place;
    });
    for (const { place } of keyed) {
      rows[place].parentNode.append(rows[place]);
      blocks[place].parentNode.append(blocks[place]);
    }
    all("th[aria-sort]", table).forEach((th) => th.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  }

  function makeSortable() {
    all("thead th", table).forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sortBy(heading, column));
    });
  }

  function filterRows() {
    const wanted = byId("symbol-filter").value.trim().toUpperCase();
    const hidden = new Set(all("input.hides:checked").map((box) => box.value));
    let shown = 0;
    rows.forEach((row, place) => {
      const symbol = row.querySelector("th").textContent.toUpperCase();
      const traits = (row.dataset.traits || "").split(" ");
      const hide = !symbol.includes(wanted) || traits.some((t) => hidden.has(t));
      row.hidden = hide;
      blocks[place].hidden = hide;
      shown += hide ? 0 : 1;
    });
    const status = byId("shown");
    status.hidden = shown === rows.length;
    status.textContent = `${shown} of ${rows.length} listed contracts shown`;
  }

  if (table) {
    makeSortable();
    byId("filters").hidden = false;
    byId("symbol-filter").addEventListener("input", filterRows);
    all("input.hides").forEach((box) => box.addEventListener("change", filterRows));
    filterRows();
  }

  // ---- excluded contracts ----------------------------------------------------

  const search = byId("excluded-filter");
  if (search) {
    const excluded = all("#excluded-rows > tbody > tr");
    const filterExcluded = () => {
      const wanted = search.value.trim().toUpperCase();
      let shown = 0;
      for (const row of excluded) {
        row.hidden = !row.textContent.toUpperCase().includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      byId("excluded-shown").textContent =
        wanted ? `${shown} of ${excluded.length} shown` : "";
    };
    byId("excluded-search").hidden = false;
    search.addEventListener("input", filterExcluded);
    filterExcluded();
  }

  // ---- links into closed blocks, and paper -----------------------------------

  function openTarget() {
    const target = byId(location.hash.slice(1));
    if (!target || target.tagName !== "DETAILS") return;
    target.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", openTarget);
  document.addEventListener("click", (event) => {
    // the same link again: the address does not change, the block may be closed
    const link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) openTarget();
  });
  openTarget();

  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    closed.forEach((block) => { block.open = true; });
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((block) => { block.open = false; });
  });
})();
