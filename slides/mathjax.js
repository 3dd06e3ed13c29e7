// Formulas become SVG: they look the same on every machine and print. A formula that cannot be read is an error, not text.
window.MathJax = {
  tex: {
    inlineMath: [["$", "$"]],
    displayMath: [["$$", "$$"]],
    processEscapes: true,
    packages: { "[-]": ["noerrors", "noundefined"] },
  },
  svg: { fontCache: "local", scale: 0.93 },
  options: { enableMenu: false },
  startup: { typeset: false },
};
