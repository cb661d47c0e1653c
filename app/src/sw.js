// The service worker: makes the app open without a network. It caches the app's own files and nothing else; no message, prompt or
// answer ever passes through it (those travel on the encrypted WebSocket). BUILD is put in front by vite.config.ts.
/* global BUILD */
const CACHE = `pocketcoder-${BUILD.version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(BUILD.files)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

// A waiting worker takes over when the person says so, never under an open page's feet.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/v1/")) return;
  if (request.mode === "navigate" && url.pathname !== "/licences.txt") {
    // This build's page for this build's scripts: a cached page never asks for files that an update has removed.
    event.respondWith(caches.match("/", { cacheName: CACHE }).then((page) => page ?? fetch(request)));
    return;
  }
  event.respondWith(caches.match(request, { cacheName: CACHE }).then((hit) => hit ?? fetch(request)));
});
