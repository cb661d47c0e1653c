import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "svelte/compiler";
import { afterEach, describe, expect, it, vi } from "vitest";
import { t } from "./all";
import { known } from "./language";
import { a as account } from "./account";
import { l as ledger } from "./ledger";
import { m as machine } from "./machine";
import { k as marks } from "./marks";
import { n as notifications } from "./notifications";
import { l as palette } from "./palette";
import { p as project } from "./project";
import { push } from "./push";
import { r as review } from "./review";
import { w as trouble } from "./trouble";
import { zh as chinese } from "./zh";
import { push as chinesePush } from "./zh/push";

const zh = { ...chinese, push: chinesePush };
const english = structuredCloneOfWords({ app: t, project, ledger, machine, palette, review, marks, notifications, account, trouble, push });

/** A copy, because `speak` writes into what the app shows. */
function structuredCloneOfWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structuredCloneOfWords);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, structuredCloneOfWords(part)]));
}

/** Every word of a catalogue by its path; a function is called with sample arguments of all sorts. */
function words(value: unknown, path: string, out = new Map<string, string[]>()): Map<string, string[]> {
  if (typeof value === "string") out.set(path, [value]);
  else if (typeof value === "function") {
    const call = value as (...args: unknown[]) => string;
    out.set(
      path,
      [1, 7].map((n) => call(...Array.from({ length: call.length }, () => n).map((arg) => sample(arg)))),
    );
  } else if (typeof value === "object" && value !== null)
    for (const [key, part] of Object.entries(value)) words(part, `${path}.${key}`, out);
  return out;
}

/** A number that is a text too, for the functions that take one. */
function sample(n: number): unknown {
  return Object.assign(Object(n), {
    charAt: (at: number) => String(n).charAt(at),
    slice: (from: number, to?: number) => String(n).slice(from, to),
    replaceAll: () => String(n),
  });
}

const said = words(zh, "");
const meant = words(english, "");

/** What is the same in both: names, keys of a keyboard, commands, signs. */
const SAME =
  /^(\.app\.app\.name|\.app\.pairing\.(howCommand|pastePlaceholder)|\.app\.kinds\.git|\.app\.terminal\.(esc|tab|ctrl|alt)|\.app\.terminal\.keyNames\.(pgup|pgdn|home|end)|\.app\.session\.toolStates\.ended|\.app\.diff\.(added|removed)|\.app\.keyNews\.providers\..*|\.machine\.keys\.(usedBy\..*|oldCommand)|\.app\.machine\.(addCommand|ruleCommand)|\.app\.inbox\.first\.agentCommand|\.app\.you\.manageCommand|\.app\.start\.sandboxes\.(bubblewrap|docker)|\.app\.keys\.rows\.\d+\.0|\.app\.session\.percent|\.project\.tabs\.git|\.project\.files\.status|\.project\.git\.byAt|\.project\.rules\.example|\.ledger\.unknownKind|\.palette\.part|\.push\.app|\.account\.signIn\.lostCommand|\.project\.git\.letters\..*)$/;

describe("the Chinese catalogue", () => {
  it("has every entry of the English one, and no other", () => {
    expect([...said.keys()].sort()).toEqual([...meant.keys()].sort());
  });

  it("says each in Chinese", () => {
    const untranslated = [...said]
      .filter(([path, texts]) => !SAME.test(path) && !texts.every((text) => /\p{Script=Han}/u.test(text)))
      .map(([path, texts]) => `${path}: ${texts[0]}`);
    expect(untranslated).toEqual([]);
  });

  it("uses every argument that the English one uses", () => {
    const used = (value: unknown): number => (typeof value === "function" ? value.length : -1);
    const differ: string[] = [];
    const walk = (a: unknown, b: unknown, path: string): void => {
      if (used(a) !== used(b)) differ.push(path);
      if (typeof a === "object" && a !== null && typeof b === "object" && b !== null)
        for (const key of Object.keys(a)) walk((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], `${path}.${key}`);
    };
    walk(english, zh, "");
    expect(differ).toEqual([]);
  });
});

describe("the language of the page", () => {
  it.each([
    [["de-CH", "zh-TW", "en"], "zh-Hans"],
    [["en-GB", "zh"], "en"],
    [["fr"], "en"],
    [[], "en"],
    [["zh-Hans-CN"], "zh-Hans"],
  ] as const)("of a person who reads %j is %s", (wanted, language) => {
    expect(known(wanted)).toBe(language);
  });

  afterEach(() => vi.resetModules());

  it("gives the first load's object the words of later screens, and takes none away", async () => {
    vi.resetModules();
    const { t: first } = await import(".");
    const { en } = await import("./en");
    const { enLater } = await import("./en-later");
    expect(first.session).toEqual(en.session);
    const { t: all } = await import("./all");
    expect(all).toBe(first);
    expect(all.session).toEqual({ ...en.session, ...enLater.session });
    expect(all.composer).toEqual(enLater.composer);
    const both = Object.entries(enLater).flatMap(([section, words]) =>
      Object.keys(words).filter((word) => word in ((en as Record<string, object>)[section] ?? {})),
    );
    expect(both).toEqual([]); // one place for each word
  });

  it("reaches parts that were loaded before and after it was chosen", async () => {
    vi.resetModules();
    const { t: before } = await import(".");
    const { speak, locale } = await import("./language");
    await speak("zh-Hans");
    const { p: after } = await import("./project");
    const { t: later } = await import("./all");
    expect(later.session.back).toBe(zh.app.session.back);
    expect(later.keys.title).toBe(zh.app.keys.title);
    expect(later.keys.rows).toEqual(zh.app.keys.rows);
    expect(before.nav.inbox).toBe(zh.app.nav.inbox);
    expect(after.tabs.files).toBe(zh.project.tabs.files);
    expect(document.documentElement.lang).toBe("zh-Hans");
    expect(locale()).toBe("zh-Hans");
  });
});

/** Attributes that a person reads or hears. */
const READ = new Set(["aria-label", "aria-description", "aria-roledescription", "placeholder", "title", "alt", "label"]);

/** The texts that an expression may be: `open ? "on" : "off"`, `a || "b"`, `${n} lines`. What it calls or reads comes from elsewhere. */
function literals(node: unknown): string[] {
  const { type, ...of } = node as { type: string } & Record<string, unknown>;
  if (type === "Literal") return typeof of["value"] === "string" ? [of["value"]] : [];
  if (type === "ConditionalExpression") return [...literals(of["consequent"]), ...literals(of["alternate"])];
  if (type === "LogicalExpression") return [...literals(of["left"]), ...literals(of["right"])];
  if (type === "TemplateLiteral") return (of["quasis"] as { value: { cooked: string } }[]).map((quasi) => quasi.value.cooked);
  return [];
}

describe("screens and components", () => {
  it("have no words of their own", () => {
    const src = join(import.meta.dirname, "../..");
    const found: string[] = [];
    for (const name of readdirSync(src, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".svelte") || name.startsWith("dev/")) continue;
      const { fragment } = parse(readFileSync(join(src, name), "utf8"), { modern: true });
      const visit = (node: unknown, attribute: string | null): void => {
        if (typeof node !== "object" || node === null) return;
        const { type, data, name: of, expression } = node as Record<"type" | "data" | "name" | "expression", unknown>;
        if (type === "ExpressionTag" && (attribute === null || READ.has(attribute)))
          for (const text of literals(expression)) if (/\p{L}{2,}/u.test(text)) found.push(`${name}: ${text.trim()}`);
        if (type === "Text" && typeof data === "string" && /\p{L}{2,}/u.test(data) && (attribute === null || READ.has(attribute)))
          found.push(`${name}: ${data.trim()}`);
        if (type === "Script" || type === "StyleSheet" || type === "StyleDirective") return;
        const inside = type === "Attribute" ? String(of) : attribute;
        for (const [key, part] of Object.entries(node)) {
          if (key === "expression" && type === "ExpressionTag") continue; // values, which come from a catalogue or from the machine
          if (Array.isArray(part)) for (const each of part) visit(each, inside);
          else visit(part, inside);
        }
      };
      visit(fragment, null);
    }
    expect(found).toEqual([]);
  });
});
