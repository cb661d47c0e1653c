// A built app served on loopback exactly as the gateway serves it: the same policy header, unknown paths get the page.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname } from "node:path";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PERMISSIONS =
  "accelerometer=(), browsing-topics=(), camera=(self), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

export const BROWSER = {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const SHELL = "/usr/bin/chromium-headless-shell";
/**
 * The same engine without a desktop browser around it, and one process for all pages: less than half the work. It has no notifications and asks for no
 * permission. Where the system has none, the browser does.
 */
export const ENGINE = {
  executablePath: process.env.CHROMIUM || !existsSync(SHELL) ? BROWSER.executablePath : SHELL,
  args: [...BROWSER.args, "--process-per-site"],
};

/** `folder`: a file URL that ends with a slash. `more`: scripts of the tests' own, by path. `asked`: told the method and path of each request. */
export async function serve(folder, more = {}, asked = () => undefined) {
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    asked(request.method, path);
    if (request.method === "POST" && path === "/share") {
      response.writeHead(303, { location: "/new?shared=missed", "cache-control": "no-store", connection: "close" }).end();
      return;
    }
    const name = extname(path) === "" ? "index.html" : path.slice(1);
    let body;
    try {
      body = more[path] ?? readFileSync(new URL(name, folder));
    } catch {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "permissions-policy": PERMISSIONS,
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": path.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
    });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, base: `http://127.0.0.1:${server.address().port}` };
}

/** Closes browsers and their contexts. One that does not end is left to the end of this program, which ends it: what it was for has been seen. */
export async function closed(...open) {
  const LIMIT_MS = 15_000;
  let limit;
  const late = new Promise((resolve) => (limit = setTimeout(resolve, LIMIT_MS)));
  await Promise.race([Promise.allSettled(open.map((one) => one.close())), late]);
  clearTimeout(limit);
}

/** Does `work` on each of `jobs` in their order, so many at a time. */
export async function inTurns(together, jobs, work) {
  const left = [...jobs];
  await Promise.all(
    Array.from({ length: together }, async () => {
      for (let job = left.shift(); job !== undefined; job = left.shift()) await work(job);
    }),
  );
}
