import "./lib/design/index.css";
import { mount } from "svelte";
import AppRoot from "./App.svelte";
import { router } from "$lib/router/router.svelte";
import { fetchAhead } from "./screens/later";
import { channelDoor } from "$lib/link/channel-door";
import type { Door } from "$lib/link/door";
import { App } from "$lib/stores/app.svelte";
import { prefs } from "$lib/stores/prefs.svelte";
import { speak } from "$lib/strings/language";
import { update } from "$lib/stores/update.svelte";

const MOCK = import.meta.env.DEV || import.meta.env.MODE === "stories";

/**
 * The secret of a link to pair or to welcome somebody, or by which another service sends somebody back, leaves the address bar, the history and the referrer
 * before anything else happens.
 */
function takeLink(): string | null {
  const account = /^\/(welcome|account(\/machine|\/signed-in\/.*)?)$/.test(location.pathname);
  if (!account && !location.hash.startsWith("#pair=")) return null;
  const link = location.href;
  const back = location.pathname.startsWith("/account/signed-in/");
  history.replaceState(null, "", (account ? "/" : location.pathname) + (back ? "" : location.search));
  return link;
}

async function door(): Promise<Door> {
  // The development machine exists in development and story builds only; in the product's build this whole branch is gone.
  if (MOCK && new URLSearchParams(location.search).has("mock")) return (await import("./dev/mock-door")).mockDoor(location.search);
  return channelDoor();
}

async function run(): Promise<void> {
  const link = takeLink();
  fetchAhead(router.route);
  prefs.apply();
  await speak(prefs.language);
  const target = document.getElementById("app");
  if (!target) throw new Error("index.html has no #app");
  if (MOCK && new URLSearchParams(location.search).has("design")) {
    mount((await import("./dev/DesignPage.svelte")).default, { target });
    return;
  }
  const app = new App(await door());
  mount(AppRoot, { target, props: { app } });
  document.addEventListener("visibilitychange", () => app.pageVisible(document.visibilityState === "visible"));
  addEventListener("pageshow", () => app.pageVisible(true));
  addEventListener("pagehide", () => app.pageVisible(false));
  addEventListener("online", () => app.machines.wake());
  addEventListener("hashchange", () => {
    const later = takeLink();
    if (later !== null) void app.openLink(later);
  });
  await app.start(link);
  if (import.meta.env.PROD && !MOCK) await update.start();
}

void run();
