// The service worker: makes the app open without a network. It caches the app's own files and nothing else; no message, prompt or
// answer ever passes through it (those travel on the encrypted WebSocket). What another app of this device shares stops here: it is
// kept on the device for the page, and its bytes never go to the server. BUILD is put in front by vite.config.ts.
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
    if (request.method === "POST" && url.origin === self.location.origin && url.pathname === "/share") {
        event.respondWith(share(request));
        return;
    }
    if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/v1/")) return;
    if (request.mode === "navigate" && url.pathname !== "/licences.txt") {
        // This build's page for this build's scripts: a cached page never asks for files that an update has removed.
        event.respondWith(caches.match("/", { cacheName: CACHE }).then((page) => page ?? fetch(request)));
        return;
    }
    event.respondWith(caches.match(request, { cacheName: CACHE }).then((hit) => hit ?? fetch(request)));
});

// A tap on a notification: an open page goes to the approval that it is about, without being loaded anew; without one, a page is opened there.
self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const given = event.notification.data?.path;
    const path = typeof given === "string" && /^\/approvals\/[\w-]{1,64}$/.test(given) ? given : "/";
    event.waitUntil(open(path, event.notification.data?.machine));
});

async function open(path, machine) {
    // Of all tabs of this origin those with the app: the licences are plain text and hear nothing.
    const pages = (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).filter(
        (one) => new URL(one.url).pathname !== "/licences.txt",
    );
    const page = pages.find((one) => one.focused) ?? pages.find((one) => one.visibilityState === "visible") ?? pages[0];
    if (!page) {
        await self.clients.openWindow(path);
        return;
    }
    page.postMessage({ open: path, machine });
    await page.focus().catch(() => undefined); // refused without a tap of a person; the page is where it should be all the same
}

// The same bounds as lib/share/shared.ts has. A picture is made smaller before it goes anywhere.
const FILES = 10;
const FILE_BYTES = 10 * 1024 * 1024;
const PICTURE_BYTES = 40 * 1024 * 1024;
const CHARACTERS = 64 * 1024;

/** Keeps what was shared, in place of what was shared before and not taken; the page takes it from there. Never sends anything. */
async function share(request) {
    let told = "1";
    try {
        const form = await request.formData();
        const words = (name) => {
            const value = form.get(name);
            return typeof value === "string" ? value.slice(0, CHARACTERS) : "";
        };
        const given = form.getAll("files").filter((file) => file instanceof File && (file.size > 0 || file.name !== ""));
        const files = given.filter((file) => file.size <= (file.type.startsWith("image/") ? PICTURE_BYTES : FILE_BYTES)).slice(0, FILES);
        await keep({
            at: Date.now(),
            title: words("title"),
            text: words("text"),
            url: words("url"),
            files,
            left: given.length - files.length,
        });
    } catch {
        told = "failed"; // no form, or no room for it; the page says so
    }
    return Response.redirect(`/new?shared=${told}`, 303);
}

function keep(shared) {
    return new Promise((resolve, reject) => {
        const opening = indexedDB.open("pocketcoder-shared", 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore("shared");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
            const transaction = opening.result.transaction("shared", "readwrite");
            transaction.oncomplete = () => {
                opening.result.close();
                resolve();
            };
            transaction.onabort = () => {
                opening.result.close();
                reject(transaction.error);
            };
            transaction.objectStore("shared").put(shared, "one");
        };
    });
}
