import { StreamLanguage, type LanguageSupport } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { extension } from "../projects/paths";

type Load = () => Promise<LanguageSupport | Extension>;

const javascript =
  (options: { jsx?: boolean; typescript?: boolean }): Load =>
  async () =>
    (await import("@codemirror/lang-javascript")).javascript(options);
const clike =
  (name: "c" | "cpp" | "java" | "csharp" | "kotlin" | "scala" | "dart" | "objectiveC"): Load =>
  async () =>
    StreamLanguage.define((await import("@codemirror/legacy-modes/mode/clike"))[name]);
const html: Load = async () => (await import("@codemirror/lang-html")).html();
const yaml: Load = async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/yaml")).yaml);
const shell: Load = async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/shell")).shell);
const css: Load = async () => (await import("@codemirror/lang-css")).css();

const BY_ENDING: Readonly<Record<string, Load>> = {
  js: javascript({ jsx: true }),
  mjs: javascript({}),
  cjs: javascript({}),
  jsx: javascript({ jsx: true }),
  ts: javascript({ typescript: true }),
  mts: javascript({ typescript: true }),
  tsx: javascript({ typescript: true, jsx: true }),
  json: async () => (await import("@codemirror/lang-json")).json(),
  md: async () => (await import("@codemirror/lang-markdown")).markdown(),
  py: async () => (await import("@codemirror/lang-python")).python(),
  html,
  htm: html,
  svelte: html,
  vue: html,
  xml: html,
  svg: html,
  csproj: html,
  css,
  scss: css,
  less: css,
  yml: yaml,
  yaml,
  sh: shell,
  bash: shell,
  zsh: shell,
  c: clike("c"),
  h: clike("c"),
  cpp: clike("cpp"),
  cc: clike("cpp"),
  hpp: clike("cpp"),
  java: clike("java"),
  cs: clike("csharp"),
  kt: clike("kotlin"),
  scala: clike("scala"),
  dart: clike("dart"),
  m: clike("objectiveC"),
  go: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/go")).go),
  rs: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/rust")).rust),
  rb: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/ruby")).ruby),
  toml: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/toml")).toml),
  sql: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/sql")).standardSQL),
  dockerfile: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile),
  swift: async () => StreamLanguage.define((await import("@codemirror/legacy-modes/mode/swift")).swift),
};

/** The language of a file by its name, each in a chunk of its own; null: it is shown plain. */
export async function languageOf(path: string): Promise<Extension | null> {
  const load = BY_ENDING[extension(path)];
  return load ? await load() : null;
}
