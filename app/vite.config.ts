import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { build, type Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** What is large and wanted by few: fetched when it is wanted, not with every new version. What it works on has to be fetched then, too. */
const RARE = /\/pdf-worker-[^/]*\.js$/;

/**
 * Writes sw.js: the hand-written worker with the list of this build's files in front. The cache's name is a hash over that
 * list, so a new build never mixes its files with an old one's.
 */
function serviceWorker(): Plugin {
  return {
    name: "pocketcoder-service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const files = Object.keys(bundle)
        .filter((name) => !name.endsWith(".map") && !RARE.test(name))
        .sort();
      const digest = createHash("sha256");
      for (const name of files) {
        const part = bundle[name];
        digest.update(name);
        if (part) digest.update(part.type === "chunk" ? part.code : part.source);
      }
      const worker = readFileSync(fileURLToPath(new URL("./src/sw.js", import.meta.url)), "utf8");
      const head = `const BUILD = ${JSON.stringify({
        version: digest.digest("hex").slice(0, 16),
        files: ["/", ...files.filter((name) => name !== "index.html").map((name) => `/${name}`), "/manifest.webmanifest", "/icon.svg"],
      })};\n`;
      this.emitFile({ type: "asset", fileName: "sw.js", source: head + worker });
    },
  };
}

/**
 * Builds push.js, the worker of notifications, out of the same modules as the app, into one file: a worker can fetch no part of itself later. The page never loads it,
 * and it is not among the files that open the app offline.
 */
function pushWorker(): Plugin {
  return {
    name: "pocketcoder-push-worker",
    apply: "build",
    async generateBundle() {
      const built = await build({
        configFile: false,
        logLevel: "error",
        define: { __APP_VERSION__: JSON.stringify(version) },
        resolve: { alias: { $lib: LIB } },
        build: {
          write: false,
          target: "es2022",
          rolldownOptions: { input: fileURLToPath(new URL("./src/push-worker/index.ts", import.meta.url)), output: { format: "iife" } },
        },
      });
      const parts = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
      const [script, ...more] = parts;
      if (script?.type !== "chunk" || more.length > 0) throw new Error("the worker of notifications is not one file");
      this.emitFile({ type: "asset", fileName: "push.js", source: script.code });
    },
  };
}

/** Puts the script that begins the first connection in front of the app's: it runs as soon as it is there, whatever else is still under way. */
function firstScript(): Plugin {
  return {
    name: "pocketcoder-first-script",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle }) {
        const first = Object.values(bundle ?? {}).find(
          (part) => part.type === "chunk" && part.facadeModuleId?.endsWith("/first-socket.ts"),
        );
        if (!first) throw new Error("the build has no first script");
        return [
          { tag: "script", attrs: { type: "module", async: true, crossorigin: true, src: `/${first.fileName}` }, injectTo: "head-prepend" },
        ];
      },
    },
  };
}

/** What is in the bundle and by whom, as their licences ask: licences.txt, linked from the app. */
function licences(): Plugin {
  const text = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8").trim();
  const editor = [
    "autocomplete",
    "commands",
    "lang-css",
    "lang-html",
    "lang-javascript",
    "lang-json",
    "lang-markdown",
    "lang-python",
    "language",
    "legacy-modes",
    "search",
    "state",
    "view",
  ].map((name) => `@codemirror/${name}`);
  const parsers = ["common", "css", "highlight", "html", "javascript", "json", "lr", "markdown", "python"].map((name) => `@lezer/${name}`);
  const packages = [
    ["svelte", "LICENSE.md"],
    ["pdfjs-dist", "LICENSE"],
    ["qr", "LICENSE-MIT"],
    ...[
      "@xterm/xterm",
      "@xterm/addon-fit",
      "@xterm/addon-search",
      ...editor,
      ...parsers,
      "@marijn/find-cluster-break",
      "crelt",
      "style-mod",
      "w3c-keyname",
    ].map((name) => [name, "LICENSE"] as const),
  ] as const;
  return {
    name: "pocketcoder-licences",
    apply: "build",
    generateBundle() {
      const icons =
        /\/\*\*([\s\S]*?)\*\//
          .exec(text("./src/components/icons.ts"))?.[1]
          ?.replace(/^\s*\* ?/gm, "")
          .trim() ?? "";
      const parts = [
        "PocketCoder is free software under the GNU Affero General Public License, version 3 or later. Its app has in it:",
        `Icons\n\n${icons}`,
        ...packages.map(([name, file]) => `${name}\n\n${text(`./node_modules/${name}/${file}`)}`),
      ];
      this.emitFile({ type: "asset", fileName: "licences.txt", source: `${parts.join(`\n\n${"-".repeat(72)}\n\n`)}\n` });
    },
  };
}

const { version } = JSON.parse(readFileSync(fileURLToPath(new URL("./package.json", import.meta.url)), "utf8")) as { version: string };

const LIB = fileURLToPath(new URL("./src/lib", import.meta.url));

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), firstScript(), licences(), serviceWorker(), pushWorker()],
  define: { __APP_VERSION__: JSON.stringify(version) },
  resolve: {
    alias: { $lib: LIB },
    // Component tests mount in a DOM: take Svelte's browser build, not its server one.
    ...(mode === "test" ? { conditions: ["browser"] } : {}),
  },
  build: {
    target: "es2022",
    // The page's policy forbids inline script and data: scripts; every asset is a file of this origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssMinify: true,
    rolldownOptions: { input: { index: "index.html", first: "src/lib/link/first-socket.ts" } },
  },
  // A chunk of the app's own origin, as the policy wants it.
  worker: { format: "es" },
  server: { host: "127.0.0.1" },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.ts", "tests/**/*.test.ts"],
    setupFiles: ["./tests/setup.ts"],
    testTimeout: 10_000,
  },
}));
