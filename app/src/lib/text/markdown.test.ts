import { mount, unmount } from "svelte";
import { afterEach, describe, expect, it } from "vitest";
import Markdown from "../../components/markdown/Markdown.svelte";
import { type Block, type Inline, parseMarkdown, safeLink } from "./markdown";

const ATTACKS: readonly string[] = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg/onload=alert(1)>",
  "<a href='javascript:alert(1)'>x</a>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](java\nscript:alert(1))",
  "[x](java\tscript:alert(1))",
  "[x](\u0001javascript:alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)",
  "[x](vbscript:msgbox)",
  "[x](file:///etc/passwd)",
  "[x](blob:https://a/b)",
  "[x](//evil.example)",
  "[x](https://good.example@evil.example/)",
  "[x](https:\\\\evil.example)",
  "![x](https://evil.example/track.png)",
  "![x](javascript:alert(1))",
  "<javascript:alert(1)>",
  "<iframe src='https://evil.example'></iframe>",
  "<style>*{display:none}</style>",
  "<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>",
  "`<img src=x onerror=alert(1)>`",
  "```html\n<script>alert(1)</script>\n```",
  '```" onmouseover="alert(1)\nx\n```',
  "| <img src=x onerror=alert(1)> | b |\n|---|---|\n| <script>1</script> | c |",
  "> <form action=https://evil.example><button>x",
  "- <object data=x>",
  "# <base href=https://evil.example>",
  '[a](https://x.example "onclick=alert(1)")',
  "[<img src=x onerror=alert(1)>](https://x.example)",
  "\u202e[moc.doog](https://evil.example)",
];

let shown: ReturnType<typeof mount> | null = null;
afterEach(async () => {
  if (shown) await unmount(shown);
  shown = null;
  document.body.replaceChildren();
});

function show(text: string): HTMLElement {
  shown = mount(Markdown, { target: document.body, props: { text } });
  return document.body;
}

describe("markdown", () => {
  it("reads what agents write", () => {
    const blocks = parseMarkdown(
      "# Title\n\nSome **bold** and `code`.\n\n1. one\n2. two\n   - inner\n\n```ts\nlet x = 1;\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quote\n\n---",
    );
    expect(blocks.map((block) => block.kind)).toEqual(["heading", "paragraph", "list", "code", "table", "quote", "rule"]);
    const list = blocks[2] as Extract<Block, { kind: "list" }>;
    expect(list.items).toHaveLength(2);
    expect(list.items[1]?.children.map((block) => block.kind)).toEqual(["paragraph", "list"]);
    expect(blocks[3]).toEqual({ kind: "code", language: "ts", text: "let x = 1;" });
  });

  it("keeps an unfinished fence as code while it is being written", () => {
    expect(parseMarkdown("```ts\nlet x")).toEqual([{ kind: "code", language: "ts", text: "let x" }]);
  });

  it("knows task lists", () => {
    const [list] = parseMarkdown("- [x] done\n- [ ] open");
    expect(list?.kind === "list" && list.items.map((item) => item.task)).toEqual([true, false]);
  });

  it("leaves names with underscores alone", () => {
    expect(parseMarkdown("call snake_case_name now")).toEqual([
      { kind: "paragraph", children: [{ kind: "text", text: "call snake_case_name now" }] },
    ]);
  });

  it("finds bare addresses and leaves the sentence's full stop out", () => {
    const [paragraph] = parseMarkdown("See https://example.com/a_(b).");
    const link = paragraph?.kind === "paragraph" ? paragraph.children.find((node) => node.kind === "link") : undefined;
    expect(link?.kind === "link" && link.href).toBe("https://example.com/a_(b)");
  });

  it.each(ATTACKS)("makes nothing but text and safe elements of %j", (text) => {
    const body = show(text);
    const elements = [...body.querySelectorAll("*")];
    const allowed = new Set([
      "DIV",
      "P",
      "PRE",
      "CODE",
      "SPAN",
      "BDI",
      "A",
      "EM",
      "STRONG",
      "S",
      "UL",
      "OL",
      "LI",
      "TABLE",
      "THEAD",
      "TBODY",
      "TR",
      "TH",
      "TD",
      "BLOCKQUOTE",
      "HR",
      "BR",
      "BUTTON",
      "SVG",
      "PATH",
    ]);
    for (const element of elements) {
      expect(allowed.has(element.tagName.toUpperCase()), element.tagName).toBe(true);
      for (const attribute of element.getAttributeNames())
        expect(/^on|^style$|^src|^srcdoc|^action|^formaction/i.test(attribute), attribute).toBe(false);
    }
    for (const link of body.querySelectorAll("a")) {
      expect(link.getAttribute("href")).toMatch(/^(https?:\/\/|mailto:)/);
      expect(link.getAttribute("rel")).toContain("noopener");
    }
    expect(body.querySelectorAll("img, script, iframe, style, form, object, base, link, meta")).toHaveLength(0);
  });

  it("asks before it follows a link and names the real host", async () => {
    const body = show("[good.example](https://evil.example/path)");
    body.querySelector("a")?.click();
    await Promise.resolve();
    const { flushSync } = await import("svelte");
    flushSync();
    expect(document.querySelector("dialog")?.textContent).toContain("evil.example");
  });

  it("takes plain web and mail addresses only", () => {
    expect(safeLink("https://example.com/x")?.host).toBe("example.com");
    expect(safeLink("mailto:a@b.example")?.host).toBe("a@b.example");
    for (const bad of ["javascript:1", "ftp://x", "https://u:p@h/", "https://h/\u202e", " https://h/", "https://", "//h", "#a"])
      expect(safeLink(bad), bad).toBeNull();
  });

  it("ends soon on hostile input and keeps its text (seeded)", () => {
    const seed = Date.now() & 0xffff;
    let state = seed;
    const next = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    const bits = [
      "*",
      "_",
      "**",
      "`",
      "```",
      "[",
      "](",
      ")",
      "<",
      ">",
      "|",
      "\n",
      "\n\n",
      "- ",
      "1. ",
      "# ",
      "~",
      "~~",
      "> ",
      "a",
      "b c",
      "\\",
      "https://x.y",
      "    ",
      "|---|",
      "![",
    ];
    for (let round = 0; round < 400; round++) {
      let text = "";
      for (let i = next(120); i > 0; i--) text += bits[next(bits.length)];
      expect(() => parseMarkdown(text), `seed ${seed} round ${round}`).not.toThrow();
    }
    for (const bit of bits) expect(parseMarkdown(bit.repeat(3000)).length).toBeGreaterThanOrEqual(0);
    expect(depth(parseMarkdown("> ".repeat(200) + "deep"))).toBeLessThan(20);
  });
});

function depth(nodes: readonly (Block | Inline)[]): number {
  return nodes.reduce((most, node) => Math.max(most, "children" in node ? 1 + depth(node.children) : 1), 0);
}
