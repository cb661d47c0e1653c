import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { languageOf } from "./languages";

export interface EditorOptions {
  readonly host: HTMLElement;
  readonly path: string;
  readonly text: string;
  readonly label: string;
  readonly readOnly: boolean;
  readonly onchange: (text: string) => void;
  readonly onsave: () => void;
}

export interface Editor {
  replace(text: string): void;
  toLine(line: number): void;
  readOnly(yes: boolean): void;
  destroy(): void;
}

/** Longer texts are shown plain. Characters. */
const HIGHLIGHT_LIMIT = 1_500_000;

/**
 * An editor in a shadow tree: there CodeMirror puts its rules into constructed style sheets, which the page's policy allows, while style elements are not.
 * The colours are the app's own variables, which reach into the tree.
 */
export function openEditor(options: EditorOptions): Editor {
  const root = options.host.shadowRoot ?? options.host.attachShadow({ mode: "open" });
  const language = new Compartment();
  const writing = new Compartment();
  const may = (readOnly: boolean) => [EditorState.readOnly.of(readOnly)];
  let told = options.text;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        highlightSpecialChars({ addSpecialChars: /[\u2028\u2029\u00a0\u2000-\u200a\u3164\u2800\u{e0000}-\u{e007f}]/gu }),
        indentOnInput(),
        bracketMatching(),
        indentUnit.of("  "),
        highlightSelectionMatches(),
        search({ top: true }),
        EditorView.lineWrapping,
        syntaxHighlighting(COLOURS),
        THEME,
        language.of([]),
        writing.of(may(options.readOnly)),
        EditorView.contentAttributes.of({
          "aria-label": options.label,
          autocapitalize: "off",
          autocorrect: "off",
          spellcheck: "false",
          tabindex: "0",
          "data-testid": "editor-text",
        }),
        keymap.of([
          {
            key: "Mod-s",
            preventDefault: true,
            run: () => {
              options.onsave();
              return true;
            },
          },
          ...defaultKeymap,
          ...historyKeymap,
          ...searchKeymap,
          indentWithTab,
        ]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          told = update.state.doc.toString();
          options.onchange(told);
        }),
      ],
    }),
  });
  let alive = true;
  if (options.text.length <= HIGHLIGHT_LIMIT) {
    languageOf(options.path).then(
      (support) => {
        if (alive && support) view.dispatch({ effects: language.reconfigure(support) });
      },
      (error: unknown) => console.warn(`no highlighting: ${String(error)}`), // without a network the text is plain
    );
  }
  return {
    replace(text) {
      if (text === told) return;
      told = text;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    toLine(line) {
      const at = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
      view.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: "center" }) });
    },
    readOnly: (yes) => view.dispatch({ effects: writing.reconfigure(may(yes)) }),
    destroy() {
      alive = false;
      view.destroy();
    },
  };
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.comment, tags.meta], color: "var(--c-comment)" },
  { tag: [tags.string, tags.regexp, tags.special(tags.string)], color: "var(--c-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--c-number)" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.tagName], color: "var(--c-keyword)" },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.attributeName, tags.propertyName], color: "var(--c-type)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.link], color: "var(--c-call)" },
  { tag: tags.heading, fontWeight: "650" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: tags.strong, fontWeight: "650" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--code-bg)", color: "var(--text)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "2px solid var(--blue)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", paddingBlock: "8px" },
  ".cm-gutters": { backgroundColor: "var(--code-bg)", color: "var(--text-3)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--sunken)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--blue-soft)",
  },
  ".cm-searchMatch": { backgroundColor: "var(--amber-soft)", outline: "1px solid var(--amber)" },
  ".cm-selectionMatch, .cm-matchingBracket": { backgroundColor: "var(--blue-soft)" },
  ".cm-specialChar": { color: "var(--amber-text)", backgroundColor: "var(--amber-soft)" },
  ".cm-panels": { backgroundColor: "var(--surface)", color: "var(--text)", borderBottom: "1px solid var(--line)" },
  ".cm-panel.cm-search": { padding: "6px", fontFamily: "var(--sans)" },
  ".cm-textfield": {
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    padding: "6px",
    color: "var(--text)",
  },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    padding: "6px 10px",
    color: "var(--text)",
  },
});
