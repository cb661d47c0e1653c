/** The files of the mock machine's project: as in the last commit, as in the index, and as they are. Text but for `bytes`. */
export interface MockFile {
  readonly content: string;
  readonly base64?: boolean;
  mtime: string;
}

const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

const LOGIN = `import { users } from "../users";
import { verify } from "./hash";

/** Minutes before an address may be tried again. */
const PAUSE = 5;

export async function login(request: Request): Promise<Response> {
  const body = await request.json();
  const user = await users.find(body.email);
  if (user.password === body.password) return ok(user);
  return unauthorized();
}

function ok(user: User): Response {
  return Response.json({ name: user.name });
}

function unauthorized(): Response {
  return new Response(null, { status: 401 });
}

export async function logout(request: Request): Promise<Response> {
  await sessions.end(request);
  return Response.json({ ok: true });
}
`;

/** Two pages of text and lines. */
const PDF = [
  "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1BhZ2VzL0tpZHNbNCAwIFIgNiAwIFJdL0NvdW50IDI+PmVuZG9iagozIDAgb2JqPDwvVHlwZS9Gb250L1N1YnR5cGUvVHlwZTEvQmFzZUZvbnQv",
  "SGVsdmV0aWNhPj5lbmRvYmoKNCAwIG9iajw8L1R5cGUvUGFnZS9QYXJlbnQgMiAwIFIvTWVkaWFCb3hbMCAwIDQyMCA1OTRdL1Jlc291cmNlczw8L0ZvbnQ8PC9GIDMgMCBSPj4+Pi9Db250ZW50cyA1IDAgUj4+ZW5kb2JqCjUgMCBvYmo8PC9MZW5ndGggMjQyPj5z",
  "dHJlYW0KLjIgLjYgLjQgcmcgMCA1NDAgNDIwIDU0IHJlIGYgMSAxIDEgcmcgQlQgL0YgMjIgVGYgMzAgNTU4IFRkIChSZWxlYXNlIG5vdGVzKSBUaiBFVCAwIDAgMCByZyBCVCAvRiAxMyBUZiAzMCA1MDAgVGQgKFNlc3Npb25zIGVuZCBhZnRlciBhIGRheS4pIFRq",
  "IDAgLTIyIFRkIChHdWVzc2luZyBhIHBhc3N3b3JkIHRha2VzIGxvbmdlci4pIFRqIEVUIC44IC4yIC4yIFJHIDMgdyAzMCAzMDAgbSAyMDAgNDIwIGwgMzgwIDMwMCBsIFMKZW5kc3RyZWFtZW5kb2JqCjYgMCBvYmo8PC9UeXBlL1BhZ2UvUGFyZW50IDIgMCBSL01l",
  "ZGlhQm94WzAgMCA0MjAgNTk0XS9SZXNvdXJjZXM8PC9Gb250PDwvRiAzIDAgUj4+Pj4vQ29udGVudHMgNyAwIFI+PmVuZG9iago3IDAgb2JqPDwvTGVuZ3RoIDQ1Pj5zdHJlYW0KQlQgL0YgMTYgVGYgMzAgNTQwIFRkIChUaGUgc2Vjb25kIHBhZ2UpIFRqIEVUCmVu",
  "ZHN0cmVhbWVuZG9iagp4cmVmCjAgOAowMDAwMDAwMDAwIDY1NTM1IGYgCjAwMDAwMDAwMDkgMDAwMDAgbiAKMDAwMDAwMDA1MiAwMDAwMCBuIAowMDAwMDAwMTA3IDAwMDAwIG4gCjAwMDAwMDAxNjggMDAwMDAgbiAKMDAwMDAwMDI3NyAwMDAwMCBuIAowMDAwMDAw",
  "NTY1IDAwMDAwIG4gCjAwMDAwMDA2NzQgMDAwMDAgbiAKdHJhaWxlcjw8L1NpemUgOC9Sb290IDEgMCBSPj4Kc3RhcnR4cmVmCjc2NAolJUVPRg==",
].join("");

export class MockTree {
  readonly head = new Map<string, string>();
  readonly index = new Map<string, string>();
  readonly work = new Map<string, MockFile>();
  readonly folders = new Set<string>(["build"]);

  constructor() {
    const committed: Record<string, string> = {
      "README.md":
        "# api\n\nThe **gateway** of everything.\n\n1. `npm ci`\n2. `npm test`\n\n| part | where |\n|---|---|\n| sign-in | `src/auth` |\n",
      "package.json": '{\n  "name": "api",\n  "scripts": { "test": "vitest run" }\n}\n',
      "src/auth/login.ts": LOGIN,
      "src/auth/hash.ts":
        "export async function verify(stored: string, given: string): Promise<boolean> {\n  return stored === given;\n}\n",
      "src/server.ts": 'import { login } from "./auth/login";\n\nserve({ "/login": login });\n',
      "data/prices.csv": 'item,price,unit\n"Paper, A4",4.20,500\nPens,1.10,10\n"Tape ""wide""",2.75,1\n',
      "old/notes.txt": "gone soon\n",
    };
    for (const [path, content] of Object.entries(committed)) {
      this.head.set(path, content);
      this.index.set(path, content);
      this.work.set(path, { content, mtime: ago(600) });
    }
    this.work.set("src/auth/login.ts", {
      mtime: ago(2),
      content: LOGIN.replace("users.find(body.email)", "users.find(body.email.trim().toLowerCase())")
        .replace(
          "  if (user.password === body.password) return ok(user);",
          "  if (user && (await verify(user.password, body.password))) return ok(user);\n  await pause(request, PAUSE);",
        )
        .replace("{ ok: true }", "{ ok: true, at: Date.now() }"),
    });
    this.index.set(
      "src/auth/hash.ts",
      'export async function verify(stored: string, given: string): Promise<boolean> {\n  const [salt, hash] = stored.split(":");\n  return timingSafeEqual(await derive(given, salt), hash);\n}\n',
    );
    this.work.set("src/auth/hash.ts", { content: this.index.get("src/auth/hash.ts") ?? "", mtime: ago(9) });
    this.work.delete("old/notes.txt");
    this.work.set("src/auth/login.test.ts", { content: 'it("slows a guesser down", () => {});\n', mtime: ago(1) });
    this.work.set(".env", { content: "TOKEN=abc\n", mtime: ago(4000) });
    this.work.set("build/app.js", { content: "//\n", mtime: ago(30) });
    this.work.set("docs/a\\u{202e}gnp.exe", { content: "x\n", mtime: ago(50) });
    this.work.set("docs/logo.png", {
      content: "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8Dwn4GBgYGJAQoAHgQCAbGUoLoAAAAASUVORK5CYII=",
      base64: true,
      mtime: ago(50),
    });
    this.work.set("docs/notes.pdf", { content: PDF, base64: true, mtime: ago(50) });
    this.work.set("docs/broken.pdf", { content: btoa("%PDF-1.4\n\u0000 nothing more"), base64: true, mtime: ago(50) });
    this.work.set("docs/page.html", {
      content:
        "<!doctype html><title>A page</title><h1>Release notes</h1><p>Nothing here runs, and nothing is loaded.</p><ul><li>Faster</li><li>Smaller</li></ul>\n",
      mtime: ago(50),
    });
    for (const path of ["docs/a\\u{202e}gnp.exe", "docs/logo.png", "docs/page.html"]) {
      this.head.set(path, this.work.get(path)?.content ?? "");
      this.index.set(path, this.work.get(path)?.content ?? "");
    }
  }

  write(path: string, content: string, base64 = false): void {
    this.work.set(path, { content, ...(base64 ? { base64 } : {}), mtime: new Date().toISOString() });
  }

  ignored(path: string): boolean {
    return path === "build" || path.startsWith("build/") || path === ".git";
  }

  /** As `git status` has them; null: unchanged. */
  letters(path: string): string | null {
    const [head, index, work] = [this.head.get(path), this.index.get(path), this.work.get(path)?.content];
    if (this.ignored(path) || path === ".env") return null;
    if (index === undefined && head === undefined) return work === undefined ? null : "??";
    const staged = head === index ? "." : head === undefined ? "A" : index === undefined ? "D" : "M";
    const changed = index === work ? "." : work === undefined ? "D" : "M";
    return staged + changed === ".." ? null : staged + changed;
  }

  paths(): string[] {
    return [...new Set([...this.head.keys(), ...this.index.keys(), ...this.work.keys()])].sort();
  }
}

/** A digest that is none: same content, same text. */
export function etagOf(content: string): string {
  let hash = 0;
  for (let at = 0; at < content.length; at++) hash = (hash * 31 + content.charCodeAt(at)) | 0;
  return (hash >>> 0).toString(16).padStart(8, "0").repeat(8);
}
