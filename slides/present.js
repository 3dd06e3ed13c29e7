// Typeset, make derivations appear line by line, fit each slide, then present.
(async () => {
  const ROWS = 3; // derivations of so many lines or more appear line by line
  const SCALES = [1, 0.95, 0.9, 0.85, 0.8]; // type size, tried in this order
  const PICTURE = { most: 560, least: 250 }; // height of figures in pixels
  const LARGEST = 1.6; // figures grow to this at most, so that their lettering can be read and is not yet blurred
  const NARROWEST = 0.7; // formulas and code that are too wide shrink to this at most

  // The lines of `aligned` are rows of an mtable; around it may be a table with one row, which holds the number.
  function unfold(item) {
    item.typesetRoot.dataset.tex = item.math.trim();
    if (!item.math.includes("\\begin{aligned}") || item.typesetRoot.closest("aside")) return;
    const tables = [...item.typesetRoot.querySelectorAll('g[data-mml-node="mtable"]')];
    const rowsOf = (table) => [...table.querySelectorAll('g[data-mml-node="mtr"]')]
      .filter((row) => row.parentElement.closest('g[data-mml-node="mtable"]') === table);
    const rows = tables.map(rowsOf).find((found) => found.length > 1) || [];
    for (const row of rows) {
      const last = row.lastElementChild;
      const first = last?.querySelector('g[data-mml-node="mtext"], g[data-mml-node="mrow"]');
      if (row.children.length > 2 && first?.dataset.mmlNode === "mtext") last.classList.add("reason");
    }
    if (rows.length < ROWS) return;
    rows.slice(1).forEach((row) => row.classList.add("fragment"));
    for (let inner = item.typesetRoot; !inner.matches(".piece"); inner = inner.parentElement)
      for (let after = inner.nextElementSibling; after; after = after.nextElementSibling)
        after.classList.add("fragment", "with-last");
  }

  // In the order of the page; what follows a derivation appears together with its last line.
  function number(page) {
    let step = -1;
    for (const fragment of page.querySelectorAll(".fragment"))
      fragment.dataset.fragmentIndex = fragment.matches(".with-last") ? step : ++step;
  }

  // A line must not break between a formula and the comma after it.
  function keepPunctuation(formula) {
    const text = formula.nextSibling;
    const mark = text?.nodeType === Node.TEXT_NODE && text.data.match(/^[^\s]{1,3}(?=\s|$)/)?.[0];
    if (!mark || formula.getAttribute("display") === "true") return;
    const together = document.createElement("span");
    together.className = "nowrap";
    formula.replaceWith(together);
    together.append(formula, mark);
    text.data = text.data.slice(mark.length);
  }

  function fitWidths(page) {
    for (const element of page.querySelectorAll('pre, mjx-container[display="true"]')) {
      element.style.fontSize = "";
      element.dataset.ratio = 1;
      const svg = element.querySelector("svg")?.getBoundingClientRect().width || 0;
      const room = element.tagName === "PRE" ? element.clientWidth : element.parentElement.clientWidth;
      const ratio = (room - 2) / Math.max(element.scrollWidth, svg);
      if (ratio >= 1) continue;
      element.dataset.ratio = Math.max(NARROWEST, ratio);
      element.style.fontSize = `${element.dataset.ratio * parseFloat(getComputedStyle(element).fontSize)}px`;
    }
  }

  function tooHigh(content) {
    const box = content.getBoundingClientRect();
    return Math.max(0, ...[...content.children].map((piece) => piece.getBoundingClientRect().bottom - box.bottom));
  }

  function fit(page) {
    const content = page.querySelector(".content");
    const figures = [...content.querySelectorAll("img.figure")];
    for (const figure of figures) figure.style.maxWidth = `min(100%, ${LARGEST * figure.naturalWidth}px)`;
    for (const scale of SCALES) {
      content.style.setProperty("--fit", scale);
      content.style.setProperty("--picture", `${PICTURE.most}px`);
      fitWidths(page);
      const excess = tooHigh(content);
      if (figures.length && excess) {
        const tallest = Math.max(...figures.map((figure) => figure.clientHeight));
        const least = Math.min(PICTURE.least, Math.max(...figures.map((figure) => figure.naturalHeight)));
        content.style.setProperty("--picture", `${Math.max(least, tallest - Math.ceil(excess / figures.length))}px`);
      }
      if (tooHigh(content) < 1) break;
    }
  }

  await Promise.all([...document.fonts].map((face) => face.load())); // all of them: slides are measured with them
  await MathJax.startup.promise;
  await MathJax.typesetPromise();
  for (const item of MathJax.startup.document.math) unfold(item);
  document.querySelectorAll(".page").forEach(number);
  document.querySelectorAll("mjx-container").forEach(keepPunctuation);
  document.querySelectorAll("aside.notes mjx-assistive-mml").forEach((copy) => copy.remove()); // shows twice in the speaker's window
  document.body.classList.add("measuring");
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  document.querySelectorAll(".page").forEach(fit);
  document.body.classList.remove("measuring");
  const printing = new URLSearchParams(location.search).has("print-pdf");
  const pages = printing && new Promise((laidOut) => Reveal.on("pdf-ready", laidOut));
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, controls: false, slideNumber: "c/t",
    navigationMode: "linear", transition: "none", backgroundTransition: "none", pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1, plugins: [RevealNotes],
  });
  await pages;
  document.documentElement.dataset.ready = "true";
})();
