/**
 * A small highlighter: one linear scan by hand, no regular expression that could be made to run for ever by hostile code, no HTML:
 * it returns tokens that the caller draws as text. Classes: c comment, s string, n number, k keyword, t type-like name, f call, v variable,
 * p property, + and - for diff lines.
 */
export interface Token {
  readonly text: string;
  readonly class: "" | "c" | "s" | "n" | "k" | "t" | "f" | "v" | "p" | "add" | "del";
}

interface Language {
  readonly keywords: ReadonlySet<string>;
  readonly line: readonly string[];
  readonly block: readonly (readonly [string, string])[];
  readonly quotes: string;
  /** Strings that go over lines: quote → true. */
  readonly long?: string;
  readonly triple?: boolean;
  readonly dollar?: boolean;
  readonly dash?: boolean;
  readonly caseless?: boolean;
}

const words = (list: string): ReadonlySet<string> => new Set(list.split(" "));
const C_COMMENTS = { line: ["//"], block: [["/*", "*/"]] } as const;

const JS: Language = {
  keywords: words(
    "as async await break case catch class const continue debugger default delete do else enum export extends false finally for from function get if implements import in instanceof interface let new null of private protected public readonly return satisfies set static super switch this throw true try type typeof undefined var void while yield",
  ),
  ...C_COMMENTS,
  quotes: "\"'`",
  long: "`",
};
const LANGUAGES: Record<string, Language> = {
  js: JS,
  cs: {
    keywords: words(
      "abstract as async await base bool break byte case catch char class const continue decimal default delegate do double else enum event explicit extern false finally fixed float for foreach get global goto if implicit in init int interface internal is lock long nameof namespace new null object operator or out override params partial private protected public readonly record ref required return sbyte sealed set short sizeof static string struct switch this throw true try typeof uint ulong using value var virtual void volatile when where while with yield and not",
    ),
    ...C_COMMENTS,
    quotes: "\"'",
    triple: true,
  },
  java: {
    keywords: words(
      "abstract assert boolean break byte case catch char class const continue data default do double else enum extends false final finally float for fun if implements import in instanceof int interface internal is long native new null object open override package private protected public return sealed short static super switch this throw throws true try val var void when while",
    ),
    ...C_COMMENTS,
    quotes: "\"'",
    triple: true,
  },
  go: {
    keywords: words(
      "break case chan const continue default defer else fallthrough false for func go goto if import interface map nil package range return select struct switch true type var string int int64 bool byte error any",
    ),
    ...C_COMMENTS,
    quotes: "\"'`",
    long: "`",
  },
  rust: {
    keywords: words(
      "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while bool u8 u16 u32 u64 usize i32 i64 f32 f64 str",
    ),
    ...C_COMMENTS,
    quotes: '"',
  },
  c: {
    keywords: words(
      "alignas auto bool break case catch char class const constexpr continue default delete do double else enum explicit extern false float for friend if inline int long namespace new nullptr operator private protected public return short signed sizeof static struct switch template this throw true try typedef typename union unsigned using virtual void volatile while",
    ),
    ...C_COMMENTS,
    quotes: "\"'",
  },
  py: {
    keywords: words(
      "and as assert async await break class continue def del elif else except False finally for from global if import in is lambda match None nonlocal not or pass raise return self True try while with yield",
    ),
    line: ["#"],
    block: [],
    quotes: "\"'",
    triple: true,
  },
  rb: {
    keywords: words(
      "alias and begin break case class def do else elsif end ensure false for if in module next nil not or redo require rescue retry return self super then true undef unless until when while yield",
    ),
    line: ["#"],
    block: [],
    quotes: "\"'",
  },
  sh: {
    keywords: words("case do done elif else esac export fi for function if in local return select set shift source then until while exit"),
    line: ["#"],
    block: [],
    quotes: "\"'",
    long: "\"'",
    dollar: true,
    dash: true,
  },
  sql: {
    keywords: words(
      "add all alter and as asc begin between by case check column commit constraint create cross default delete desc distinct drop else end exists foreign from group having if in index inner insert into is join key left like limit not null offset on or order outer primary references right rollback select set table then transaction union unique update using values view when where with",
    ),
    line: ["--"],
    block: [["/*", "*/"]],
    quotes: "'\"",
    caseless: true,
  },
  css: { keywords: words("important media supports import layer container from to"), line: [], block: [["/*", "*/"]], quotes: "\"'" },
  yaml: { keywords: words("true false null yes no on off"), line: ["#"], block: [], quotes: "\"'" },
  json: { keywords: words("true false null"), line: ["//"], block: [], quotes: '"' },
  xml: { keywords: words(""), line: [], block: [["<!--", "-->"]], quotes: "\"'" },
};
const ALIASES: Record<string, string> = {
  javascript: "js",
  jsx: "js",
  ts: "js",
  tsx: "js",
  typescript: "js",
  mjs: "js",
  svelte: "js",
  vue: "js",
  csharp: "cs",
  "c#": "cs",
  kotlin: "java",
  kt: "java",
  scala: "java",
  swift: "java",
  dart: "java",
  golang: "go",
  rs: "rust",
  cpp: "c",
  "c++": "c",
  h: "c",
  hpp: "c",
  python: "py",
  ruby: "rb",
  bash: "sh",
  shell: "sh",
  zsh: "sh",
  console: "sh",
  dockerfile: "sh",
  make: "sh",
  scss: "css",
  less: "css",
  yml: "yaml",
  toml: "yaml",
  ini: "yaml",
  jsonc: "json",
  html: "xml",
  svg: "xml",
};

/** Longer texts are shown plain: the phone has better things to do. Characters. */
export const HIGHLIGHT_LIMIT = 60_000;

export function highlight(code: string, name: string): Token[] {
  const key = name.toLowerCase();
  if (code.length > HIGHLIGHT_LIMIT) return [{ text: code, class: "" }];
  if (key === "diff" || key === "patch") return diff(code);
  const language = LANGUAGES[ALIASES[key] ?? key];
  return language ? scan(code, language) : [{ text: code, class: "" }];
}

function diff(code: string): Token[] {
  return code.split(/(?<=\n)/).map((line) => ({
    text: line,
    class: line.startsWith("+") ? "add" : line.startsWith("-") ? "del" : line.startsWith("@@") ? "k" : "",
  }));
}

function scan(code: string, language: Language): Token[] {
  const tokens: Token[] = [];
  let plain = 0;
  let at = 0;
  const push = (end: number, kind: Token["class"]): void => {
    if (plain < at) tokens.push({ text: code.slice(plain, at), class: "" });
    tokens.push({ text: code.slice(at, end), class: kind });
    at = end;
    plain = end;
  };

  while (at < code.length) {
    const char = code.charAt(at);
    const comment = language.line.find((start) => code.startsWith(start, at));
    if (comment && (comment !== "#" || at === 0 || /[\s;(]/.test(code.charAt(at - 1)))) {
      push(lineEnd(code, at), "c");
      continue;
    }
    const block = language.block.find(([start]) => code.startsWith(start, at));
    if (block) {
      const end = code.indexOf(block[1], at + block[0].length);
      push(end < 0 ? code.length : end + block[1].length, "c");
      continue;
    }
    if (language.quotes.includes(char)) {
      push(stringEnd(code, at, language), "s");
      continue;
    }
    if (language.dollar && char === "$") {
      let end = at + 1;
      if (code.charAt(end) === "{") {
        const close = code.indexOf("}", end);
        end = close < 0 ? code.length : close + 1;
      } else {
        while (isWord(code.charCodeAt(end))) end++;
      }
      push(Math.max(end, at + 1), "v");
      continue;
    }
    if (language.dash && char === "-" && /\s/.test(code.charAt(at - 1)) && /[-a-z]/i.test(code.charAt(at + 1))) {
      let end = at + 1;
      while (isWord(code.charCodeAt(end)) || code.charAt(end) === "-") end++;
      push(end, "p");
      continue;
    }
    if (isDigit(code.charCodeAt(at))) {
      let end = at + 1;
      while (isWord(code.charCodeAt(end)) || (code.charAt(end) === "." && isDigit(code.charCodeAt(end + 1)))) end++;
      push(end, "n");
      continue;
    }
    if (isWord(code.charCodeAt(at))) {
      let end = at + 1;
      while (isWord(code.charCodeAt(end))) end++;
      const word = code.slice(at, end);
      const known = language.keywords.has(language.caseless ? word.toLowerCase() : word);
      if (known) push(end, "k");
      else if (code.charAt(end) === "(") push(end, "f");
      else if (/^[A-Z][a-z]/.test(word)) push(end, "t");
      else at = end;
      continue;
    }
    at++;
  }
  if (plain < code.length) tokens.push({ text: code.slice(plain), class: "" });
  return tokens;
}

function stringEnd(code: string, at: number, language: Language): number {
  const quote = code.charAt(at);
  const three = quote.repeat(3);
  if (language.triple && quote !== "'" && code.startsWith(three, at)) {
    const end = code.indexOf(three, at + 3);
    return end < 0 ? code.length : end + 3;
  }
  const overLines = language.long?.includes(quote) ?? false;
  for (let i = at + 1; i < code.length; i++) {
    const char = code.charAt(i);
    if (char === "\\") i++;
    else if (char === quote) return i + 1;
    else if (char === "\n" && !overLines) return i;
  }
  return code.length;
}

function lineEnd(code: string, at: number): number {
  const end = code.indexOf("\n", at);
  return end < 0 ? code.length : end;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isWord(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || isDigit(code) || code === 95 || code > 191;
}
