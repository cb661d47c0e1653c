// Serves the built app exactly as the gateway does (same policy headers) and walks through first run in Chromium with the real channel code: no policy
// violation, the pairing secret leaves the address bar, keys are made and not extractable, the app opens without a network. Run after `npm run build`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { chromium } from "playwright-core";
import { encodeQR } from "qr";
import { BROWSER, closed, serve } from "./serving.mjs";

const dist = new URL("../dist/", import.meta.url);
const payload = JSON.parse(readFileSync(new URL("../../tests/vectors/channel.json", import.meta.url), "utf8"));
const link = JSON.stringify(payload).match(/"([\w-]{120})"/)?.[1];
if (!link) throw new Error("the vectors have no pairing link");

const asked = [];
const { server, base } = await serve(dist, {}, (method, path) => asked.push(`${method} ${path}`));
const browser = await chromium.launch(BROWSER);
const problems = [];
let checks = 0;
const check = (ok, what) => {
  checks++;
  console.log(`${ok ? "ok    " : "FAILED"} ${what}`);
  if (!ok) problems.push(what);
};

const context = await browser.newContext();
const page = await context.newPage();
const errors = [];
page.on("console", (message) => {
  if (message.type() === "error") errors.push(message.text());
});
page.on("pageerror", (error) => errors.push(String(error)));
await page.addInitScript(() => {
  globalThis.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
  );
});

await page.goto(`${base}/#pair=${link}`);
await page.getByTestId("machine-words").waitFor();
await page.locator("summary").click();
await page.getByTestId("fingerprint").waitFor();
check(/^[0-9a-f ]{39}$/.test((await page.getByTestId("fingerprint").innerText()).trim()), "a real link shows the machine's fingerprint");
check(!page.url().includes("pair="), "the secret has left the address bar");
check((await page.evaluate(() => history.length)) <= 2, "and did not stay in the history");
await page.getByTestId("device-name").fill("Test phone");
await page.getByTestId("pair-confirm").click();
await page.getByRole("alert").waitFor({ timeout: 20_000 });
check(true, "an unreachable machine is told, not waited for without end");
const keys = await page.evaluate(
  () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open("pocketcoder-channel");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const all = request.result.transaction("values").objectStore("values").get("identity");
        all.onsuccess = () => resolve([all.result.agreement.privateKey.extractable, all.result.signing.privateKey.extractable]);
      };
    }),
);
check(
  keys.every((extractable) => extractable === false),
  "private keys can't be taken out",
);
check(
  (await page.evaluate(() => globalThis.violations)).length === 0,
  `no policy violation ${await page.evaluate(() => globalThis.violations.join("; "))}`,
);
const unexpected = errors.filter((error) => !/WebSocket|404/.test(error));
check(unexpected.length === 0, `no error on the console ${unexpected.join("; ")}`);

await page.evaluate(() => navigator.serviceWorker.ready);

// Another app shares something: a form that is posted to the app's address, as the system does it. A page of the app itself may post none.
const other = createServer((request, response) =>
  response
    .writeHead(200, { "content-type": "text/html" })
    .end(
      `<form method="post" enctype="multipart/form-data" action="${base}/share"><input name="title"><input name="text"><input name="url"><input name="files" type="file" multiple><button></button></form>`,
    ),
);
await new Promise((resolve) => other.listen(0, "127.0.0.1", resolve));
const share = async (from, files) => {
  await from.goto(`http://127.0.0.1:${other.address().port}/`);
  await from.locator('[name="text"]').fill("Fix what the picture shows");
  await from.locator('[name="url"]').fill("https://issues.example/7");
  await from.locator('[name="files"]').setInputFiles(files);
  await from.locator("button").click();
  await from.getByTestId("shared").waitFor();
};
const text = (name, size) => ({ name, mimeType: "text/plain", buffer: Buffer.alloc(size, "x") });
await share(page, [text("a.txt", 10), text("large.bin", 11 * 1024 * 1024), ...Array.from({ length: 10 }, (_, n) => text(`${n}.txt`, 5))]);
check(!asked.includes("POST /share"), "what is shared does not reach the server");
check(new URL(page.url()).pathname === "/new", "and leads to a new session");
check(/stored on this device/.test(await page.getByTestId("shared").innerText()), "a device that is not paired says that it waits");
const kept = await page.evaluate(
  () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open("pocketcoder-shared");
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const one = request.result.transaction("shared").objectStore("shared").get("one");
        one.onsuccess = () => resolve({ ...one.result, files: one.result.files.map((file) => file.name) });
      };
    }),
);
check(kept.text === "Fix what the picture shows" && kept.url === "https://issues.example/7", "the words are on this device");
check(
  kept.files.length === 10 && !kept.files.includes("large.bin") && kept.left === 2,
  `bounded: ${kept.files.length} files, ${kept.left} left`,
);
const noForm = await page.evaluate(() => fetch("/share", { method: "POST", body: "x" }).then((answer) => answer.url));
check(noForm.endsWith("/new?shared=failed"), "what is no form is refused");

// The code on the machine's screen, through a camera.
const film = join(mkdtempSync(join(tmpdir(), "pocketcoder-camera-")), "code.y4m");
writeFileSync(film, filmOf(`${base}/#pair=${link}`));
const camera = await chromium.launch({
  ...BROWSER,
  args: [...BROWSER.args, "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`],
});
const look = async (permissions) => {
  const context = await camera.newContext({ permissions });
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(event.violatedDirective));
    globalThis.streams = [];
    globalThis.askedFor = 0;
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wish) => {
      globalThis.askedFor++;
      const stream = await ask(wish);
      globalThis.streams.push(stream);
      return stream;
    };
  });
  await page.goto(base);
  await page.getByTestId("qr-open").waitFor();
  return page;
};
const on = (page) =>
  page.evaluate(() => globalThis.streams.flatMap((one) => one.getTracks()).filter((one) => one.readyState === "live").length);
const seeing = await look(["camera"]);
check((await seeing.evaluate(() => globalThis.askedFor)) === 0, "the camera is not asked for before a tap");
await seeing.getByTestId("qr-open").click();
await seeing.getByTestId("machine-words").waitFor();
check(
  (await seeing.evaluate(() => globalThis.streams.length)) === 1 && (await on(seeing)) === 0,
  "a code is read, and the camera is off at once",
);
check((await seeing.evaluate(() => globalThis.violations)).length === 0, "under the policy");
check(!(await seeing.url()).includes("pair="), "its secret is in no address");
const blind = await look([]);
await blind.getByTestId("qr-open").click();
await blind.locator('[data-testid="qr-scanner"][data-problem="refused"]').waitFor();
check(/site settings/.test(await blind.getByRole("alert").innerText()), "a camera that is refused is told, with what to do");
check(await blind.getByTestId("pair-link").isVisible(), "and a link can be pasted all the same");
await closed(camera);
rmSync(dirname(film), { recursive: true });

const fresh = await (await browser.newContext({ serviceWorkers: "block" })).newPage();
await share(fresh, [text("a.txt", 10)]);
check(asked.includes("POST /share"), "without a service worker the server is asked");
check(/Share it again/.test(await fresh.getByTestId("shared").innerText()), "and the page says that nothing was taken");
await closed(fresh.context());
other.close();
await page.goto(base);
await page.getByTestId("pair-link").waitFor();
await page.reload();
await page.evaluate(
  () =>
    navigator.serviceWorker.controller !== null ||
    new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true })),
);
server.close();
server.closeAllConnections();
await page.goto(`${base}/sessions`);
await page.getByTestId("pair-link").waitFor();
check(true, "the app opens with no server at all");

await closed(browser);
console.log(`${checks - problems.length} passed, ${problems.length} failed`);
process.exit(problems.length === 0 ? 0 : 1);

/** What a camera sees of a code: a film of one picture, grey. */
function filmOf(text) {
  const [width, height, cell] = [640, 480, 6];
  const code = encodeQR(text, "raw", { ecc: "low", border: 4 });
  const left = Math.floor((width - code.length * cell) / 2);
  const top = Math.floor((height - code.length * cell) / 2);
  const grey = Buffer.alloc(width * height, 200);
  for (let y = 0; y < code.length * cell; y++)
    for (let x = 0; x < code.length * cell; x++)
      grey[(top + y) * width + left + x] = code[Math.floor(y / cell)][Math.floor(x / cell)] ? 30 : 230;
  return Buffer.concat([
    Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip C420jpeg\nFRAME\n`),
    grey,
    Buffer.alloc((width * height) / 2, 128),
  ]);
}
