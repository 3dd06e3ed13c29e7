// In an open deck, for the current slide with all its fragments shown: what is wrong with it? A list of sentences.
() => {
  const WIDTH = 1280, HEIGHT = 720, SLACK = 1.5;
  const section = Reveal.getCurrentSlide();
  const content = section.querySelector(".content");
  const frame = section.querySelector(".page").getBoundingClientRect();
  const bottom = content.getBoundingClientRect().bottom - frame.top;
  const problems = [];
  if (Math.abs(frame.left) > SLACK || Math.abs(frame.top) > SLACK) problems.push(`slide is not at the window's corner: ${frame.left}, ${frame.top}`);
  const words = (text) => text.trim().replace(/\s+/g, " ").slice(0, 50);
  const name = (element) => {
    const formula = element.closest("mjx-container");
    if (formula) return `formula ${words(formula.dataset.tex || "")}`;
    if (element.tagName === "IMG") return `picture (${element.alt.slice(0, 30)})`;
    return `<${element.tagName.toLowerCase()}> "${words(element.textContent)}"`;
  };

  // The innermost elements tell where it happens; an SVG counts as one element.
  const within = [...content.querySelectorAll("*")].filter((e) =>
    !e.closest("mjx-assistive-mml") && (!(e instanceof SVGElement) || e.tagName === "svg") && !e.parentElement.closest("svg"));
  const excess = { right: [0], left: [0], top: [0], bottom: [0] };
  for (const element of within) {
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const clipped = element.tagName === "PRE" ? Math.max(0, element.scrollWidth - element.clientWidth) : 0;
    const out = { right: Math.max(box.right - frame.left - WIDTH, clipped), bottom: box.bottom - frame.top - bottom,
                  left: frame.left - box.left, top: frame.top - box.top };
    for (const side in out) if (out[side] > SLACK && out[side] >= excess[side][0]) excess[side] = [out[side], element];
  }
  for (const [side, [pixels, element]] of Object.entries(excess))
    if (element) problems.push(`overflow: ${Math.ceil(pixels)} px too far ${side === "bottom" ? "down" : side}: ${name(element)}`);

  if (excess.bottom[1]) {
    const cells = [...content.querySelectorAll(".cell")].map((e) => `cell ${e.dataset.cell}: ${Math.round(e.getBoundingClientRect().height)}`);
    problems[problems.length - 1] += ` [heights: ${cells.join(", ")}; room: ${Math.round(content.clientHeight)}]`;
  }

  // Text that should have become a formula; what shows code is left out.
  const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest("pre, code, mjx-container, script, style") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const raw = node.data.match(/\$|\\(begin|end|text|frac|theta|mathbb|left|right)\b|\\[([]/);
    if (raw) problems.push(`raw TeX: ${words(node.data.slice(Math.max(0, raw.index - 15)))}`);
  }
  for (const formula of section.querySelectorAll("mjx-container")) {
    const error = formula.querySelector('[data-mml-node="merror"], [data-mjx-error]');
    if (error) problems.push(`formula that MathJax refuses: ${error.dataset.mjxError || error.getAttribute("title") || words(formula.dataset.tex || "")}`);
  }
  for (const image of section.querySelectorAll("img"))
    if (!image.complete || !image.naturalWidth) problems.push(`missing picture: ${image.alt}`);
  for (const hidden of section.querySelectorAll(".fragment:not(.visible)"))
    problems.push(`never shown: ${name(hidden)}`);

  const heading = [...section.querySelectorAll("h1, h2, h3, h4, footer span")][0];
  return {
    problems,
    heading: words((heading?.textContent || "").split("›").pop()) || "(no heading)",
    number: Reveal.getSlidePastCount() + 1,
    cell: Number(section.dataset.cell),
    steps: section.querySelectorAll(".fragment").length,
    scale: Number(content.style.getPropertyValue("--fit")),
    narrowest: Math.min(1, ...[...content.querySelectorAll("[data-ratio]")].map((element) => Number(element.dataset.ratio))),
    used: Math.max(0, ...[...content.children].map((piece) => piece.getBoundingClientRect().bottom - frame.top)) / bottom,
  };
}
