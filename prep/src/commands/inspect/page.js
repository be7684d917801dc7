"use strict";
// Shows ten samples at a time. All samples are in the page; without scripts all are shown.
(() => {
  const all = [...document.querySelectorAll("article")];
  const find = document.getElementById("find");
  if (!find) return;
  const label = document.getElementById("label");
  const [previous, next, position] = ["previous", "next", "position"].map((id) => document.getElementById(id));
  const size = 10;
  let at = 0;
  const show = () => {
    const words = find.value.toLowerCase();
    const wanted = all.filter((article) =>
      (!label || !label.value || article.dataset.label === label.value) && article.textContent.toLowerCase().includes(words));
    at = Math.max(0, Math.min(at, Math.floor((wanted.length - 1) / size)));
    const shown = new Set(wanted.slice(at * size, (at + 1) * size));
    all.forEach((article) => { article.hidden = !shown.has(article); });
    const first = wanted.length ? at * size + 1 : 0;
    position.textContent = `${first}–${Math.min((at + 1) * size, wanted.length)} of ${wanted.length}`;
    previous.disabled = at === 0;
    next.disabled = (at + 1) * size >= wanted.length;
  };
  const turn = (by) => { at += by; show(); };
  previous.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  [find, label].forEach((input) => input && input.addEventListener("input", () => { at = 0; show(); }));
  document.getElementById("choose").addEventListener("submit", (event) => event.preventDefault());
  show();
})();
