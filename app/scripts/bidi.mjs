// Firefox, driven by WebDriver BiDi over one WebSocket: what the smoke test needs of it, without another dependency.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const FIREFOX = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const LIMIT_MS = 60_000;

/** Null: no Firefox is installed. The returned `close` ends it and deletes its profile. */
export async function firefox() {
  if (!existsSync(FIREFOX)) return null;
  const profile = mkdtempSync(join(tmpdir(), "pocketcoder-firefox-"));
  const child = spawn(FIREFOX, ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: profile, MOZ_DISABLE_AUTO_SAFE_MODE: "1" },
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const close = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(late);
    rmSync(profile, { recursive: true, force: true });
  };
  try {
    const address = await within("Firefox starts", (resolve, reject) => {
      let said = "";
      child.stderr.on("data", (data) => {
        said = (said + data).slice(-100_000);
        const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
        if (found) resolve(found[1]);
      });
      child.once("exit", () => reject(new Error(`Firefox ended: ${said.slice(-500)}`)));
    });
    const socket = new WebSocket(`${address}/session`);
    await within("the connection opens", (resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("Firefox refuses the connection"));
    });
    return { ...(await talk(socket)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function talk(socket) {
  const waiting = new Map();
  const errors = [];
  let next = 0;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.method === "log.entryAdded" && message.params.level === "error") errors.push(message.params.text);
    const answer = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.type === "success") answer?.resolve(message.result);
    else if (message.type === "error") answer?.reject(new Error(`${message.error}: ${message.message}`));
  };
  const command = (method, params) =>
    within(method, (resolve, reject) => {
      waiting.set(++next, { resolve, reject });
      socket.send(JSON.stringify({ id: next, method, params }));
    });
  await command("session.new", { capabilities: {} });
  await command("session.subscribe", { events: ["log.entryAdded"] });
  const { contexts } = await command("browsingContext.getTree", {});
  const { context } = contexts[0];

  /** The value of an expression in the page. */
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await command("script.evaluate", {
      expression: `Promise.resolve((() => ${expression})()).then((value) => JSON.stringify(value ?? null))`,
      target: { context },
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return JSON.parse(result.value);
  };
  /** Until the expression is true in the page. */
  const until = async (expression, what = expression) => {
    const end = Date.now() + LIMIT_MS;
    while (!(await evaluate(`Boolean(${expression})`).catch(() => false))) {
      if (Date.now() > end) throw new Error(`not so: ${what}\n${await evaluate("document.body.innerText.slice(0, 1000)").catch(String)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const one = (testId) => `document.querySelector('[data-testid="${testId}"]')`;
  return {
    errors,
    evaluate,
    until,
    one,
    size: (width, height) => command("browsingContext.setViewport", { context, viewport: { width, height } }),
    goto: (url) => command("browsingContext.navigate", { context, url, wait: "complete" }),
    /** Runs before every page's own scripts. */
    before: (script) => command("script.addPreloadScript", { functionDeclaration: script }),
    shown: (testId) => until(`${one(testId)}?.checkVisibility()`, `${testId} is shown`),
    /** A click of a real pointer in its middle. */
    click: async (testId) => {
      await until(`${one(testId)}?.checkVisibility() && !${one(testId)}.disabled`, `${testId} can be clicked`);
      await evaluate(`${one(testId)}.scrollIntoView({ block: "center" })`);
      const { x, y } = await evaluate(
        `(({ x, y, width, height }) => ({ x: Math.round(x + width / 2), y: Math.round(y + height / 2) }))(${one(testId)}.getBoundingClientRect())`,
      );
      await command("input.performActions", {
        context,
        actions: [
          {
            type: "pointer",
            id: "mouse",
            actions: [
              { type: "pointerMove", x, y },
              { type: "pointerDown", button: 0 },
              { type: "pointerUp", button: 0 },
            ],
          },
        ],
      });
    },
    keys: (...keys) =>
      command("input.performActions", {
        context,
        actions: [
          {
            type: "key",
            id: "keys",
            actions: keys.flatMap((value) => [
              { type: "keyDown", value },
              { type: "keyUp", value },
            ]),
          },
        ],
      }),
  };
}

function within(what, work) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${what}: not within ${LIMIT_MS / 1000} s`)), LIMIT_MS);
    work(
      (value) => {
        clearTimeout(late);
        resolve(value);
      },
      (error) => {
        clearTimeout(late);
        reject(error);
      },
    );
  });
}
