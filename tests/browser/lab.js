// Runs in a JupyterLab page that exposes its application as `jupyterapp`.
window.course = {
  finished: false,
  panel: null,
  notebook: () => course.panel?.content,

  // Opens a notebook once the application is ready; true as soon as its kernel answers.
  find(path) {
    if (!window.jupyterapp?.commands?.hasCommand("docmanager:open")) return false;
    if (course.asked !== path) {
      course.asked = path;
      jupyterapp.restored.then(() => jupyterapp.commands.execute("docmanager:open", { path }));
    }
    course.panel = [...jupyterapp.shell.widgets("main")].find((widget) => widget.context?.path === path);
    return course.opened();
  },

  opened() {
    const panel = course.panel;
    return Boolean(panel && panel === jupyterapp.shell.currentWidget && panel.context.isReady && panel.content?.widgets?.length && panel.sessionContext?.session?.kernel?.info
      && panel.sessionContext.session.kernel.connectionStatus === "connected");
  },

  async run() {
    course.finished = false;
    await jupyterapp.commands.execute("runmenu:restart-and-run-all");
    course.finished = true;
  },

  cells: () => course.notebook().widgets.map((cell, number) => ({ cell, number, code: cell.model.type === "code" })),
  name: (number, text) => `cell ${number} «${text.trim().split("\n")[0].slice(0, 60)}»`,

  state() {
    if (!course.notebook()) return `no notebook on the page: ${document.body.innerText.slice(0, 300)}`;
    const left = course.cells().find(({ cell, code }) => code && cell.model.executionCount === null);
    const dialog = document.querySelector(".jp-Dialog");
    return [
      `kernel ${course.panel.sessionContext?.session?.kernel?.status}`,
      left ? `first cell without a result: ${course.name(left.number, left.cell.model.sharedModel.source)}` : "all cells have run",
      dialog ? `a question is open: ${dialog.textContent}` : "",
    ].filter(Boolean).join("; ");
  },

  rawTeX() {
    const found = [];
    for (const { cell, number, code } of course.cells()) {
      if (code) continue;
      const walker = document.createTreeWalker(cell.node.querySelector(".jp-MarkdownOutput") || cell.node, NodeFilter.SHOW_TEXT, (node) =>
        node.parentElement.closest("pre, code, mjx-container, .jp-Cell-inputArea textarea") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
      for (let node = walker.nextNode(); node; node = walker.nextNode())
        if (/\$|\\(begin|end|text|frac|theta)\b/.test(node.data)) found.push(`${course.name(number, cell.model.sharedModel.source)}: raw TeX: ${node.data.trim().slice(0, 60)}`);
    }
    return found;
  },

  pictures: () => [...course.notebook().node.querySelectorAll("img")].filter((image) => !image.complete || !image.naturalWidth),

  settled() {
    const formulas = course.cells().some(({ cell, code }) => !code && cell.model.sharedModel.source.includes("$"));
    return !course.rawTeX().length && !course.pictures().length && (!formulas || document.querySelector("mjx-container"));
  },

  // Display formulas, in folded parts too, that reach further than their column, in pixels.
  cut(node) {
    for (const folded of node.querySelectorAll("details")) folded.open = true;
    return [...node.querySelectorAll('mjx-container[display="true"]')]
      .map((formula) => {
        const column = formula.closest(".jp-RenderedMarkdown").getBoundingClientRect();
        const parts = [formula, ...formula.querySelectorAll("mjx-math *, svg *")].map((part) => part.getBoundingClientRect());
        return Math.round(Math.max(...parts.map((part) => part.right)) - column.right);
      })
      .filter((pixels) => pixels > 1)
      .map((pixels) => `${pixels} px off the page`);
  },

  look() {
    const problems = course.rawTeX();
    for (const { cell, number, code } of course.cells()) {
      const name = course.name(number, cell.model.sharedModel.source);
      if (code && cell.model.executionCount === null) problems.push(`${name}: was not run`);
      const excused = cell.model.sharedModel.getMetadata("tags")?.includes("raises-exception");
      for (const output of code ? cell.model.outputs.toJSON() : [])
        if (output.output_type === "error" && !excused) problems.push(`${name}: ${output.ename}: ${output.evalue}`);
      for (const formula of cell.node.querySelectorAll("mjx-container")) {
        const error = formula.querySelector('mjx-merror, [data-mjx-error], [style*="color: red"]');
        if (error) problems.push(`${name}: formula that MathJax refuses: ${error.dataset.mjxError || error.title || formula.textContent.slice(0, 60)}`);
      }
      for (const formula of course.cut(cell.node)) problems.push(`${name}: display formula runs ${formula}`);
      if (/Error (displaying|creating) widget/.test(cell.node.textContent)) problems.push(`${name}: a widget is not shown`);
      for (const image of cell.node.querySelectorAll("img"))
        if (!image.complete || !image.naturalWidth) problems.push(`${name}: missing picture: ${image.alt || image.src.slice(0, 80)}`);
    }
    const links = [...course.notebook().node.querySelectorAll(".jp-MarkdownOutput a[href]")].map((link) => new URL(link.href));
    const local = links.filter((link) => link.origin === location.origin && link.pathname.includes("/files/"))
      .map((link) => decodeURIComponent(link.pathname.split("/files/")[1]));
    return { problems, links: [...new Set(local)], formulas: document.querySelectorAll("mjx-container").length };
  },

  // Without a question whether to save.
  async close() {
    const panel = course.panel;
    course.panel = undefined;
    await panel.sessionContext.shutdown();
    panel.context.model.dirty = false;
    panel.close();
  },
};
