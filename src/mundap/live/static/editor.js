// The editor of a cell: CodeMirror, fetched with the first cell that is edited.
let loading = null; // a promise of what load gives

async function load() {
  const codemirror = await import("../assets/vendor/editor.js");
  const setError = codemirror.StateEffect.define();
  return { ...codemirror, setError, errorLine: errorField(codemirror, setError) };
}

// The mark on the line that failed, until the text changes.
function errorField({ Decoration, EditorView, StateField }, setError) {
  const line = Decoration.line({ class: "cell-error-mark" });
  return StateField.define({
    create: () => Decoration.none,
    update(marks, { docChanged, effects, state: { doc } }) {
      let next = docChanged ? Decoration.none : marks;
      for (const { value } of effects.filter((effect) => effect.is(setError))) {
        const isLine = value && value <= doc.lines;
        next = isLine ? Decoration.set(line.range(doc.line(value).from)) : Decoration.none;
      }
      return next;
    },
    provide: (field) => EditorView.decorations.from(field),
  });
}

/**
 * An editor of a text -> a promise of { view, mark }, which rejects if it cannot be fetched. mark(line) marks a line as
 * the one that failed, null for none. onRun, onLeave: what its keys do; onChange: called after every change of the text.
 */
export async function openEditor({ text, label, onRun, onLeave, onChange }) {
  loading ??= load();
  const editor = await loading.catch((error) => {
    loading = null; // the next press tries again
    throw error;
  });
  const does = (action) => () => {
    action();
    return true;
  };
  const keys = [
    { key: "Shift-Enter", run: does(onRun) },
    { key: "Mod-Enter", run: does(onRun) },
    { key: "Escape", run: does(onLeave) },
    editor.indentWithTab,
  ];
  const attributes = {
    tabindex: "0",
    "aria-label": `${label} 편집. Tab은 들여쓰기, Shift+Enter는 실행, Esc를 누르면 편집기에서 나가요.`,
  };
  const view = new editor.EditorView({
    doc: text,
    extensions: [
      editor.Prec.highest(editor.keymap.of(keys)),
      ...appearance(editor),
      editor.keymap.of([...editor.defaultKeymap, ...editor.historyKeymap]),
      editor.EditorView.contentAttributes.of(attributes),
      editor.EditorView.updateListener.of((update) => update.docChanged && onChange()),
    ],
  });
  return { view, mark: (line) => view.dispatch({ effects: editor.setError.of(line) }) };
}

const appearance = (editor) => [
  editor.lineNumbers(),
  editor.history(),
  editor.bracketMatching(),
  editor.indentOnInput(),
  editor.indentUnit.of("    "),
  editor.EditorState.tabSize.of(4),
  editor.python(),
  editor.syntaxHighlighting(editor.classHighlighter),
  editor.errorLine,
];
