// Filters the records of the page by text. Without this script the page shows every record.
(() => {
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const sections = [...document.querySelectorAll("main section")].map((section) => ({
    section,
    box: document.getElementById("show-" + section.dataset.outcome),
    records: [...section.querySelectorAll("article")].map((record) => ({ record, text: record.textContent.toLowerCase() })),
  }));
  const total = sections.reduce((sum, { records }) => sum + records.length, 0);
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { section, box, records } of sections) {
      let here = 0;
      for (const { record, text } of records) {
        record.hidden = !words.every((word) => text.includes(word));
        here += record.hidden ? 0 : 1;
      }
      section.hidden = here === 0;
      count += box.checked ? here : 0;
    }
    shown.textContent = `${count} of ${total} shown`;
  };
  // A link can contain a filter: plan.html#q=ada
  if (location.hash.startsWith("#q=")) {
    search.value = decodeURIComponent(location.hash.slice(3));
  }
  search.addEventListener("input", apply);
  sections.forEach(({ box }) => box.addEventListener("change", apply));
  document.querySelector(".filter").hidden = false;
  apply();
})();
