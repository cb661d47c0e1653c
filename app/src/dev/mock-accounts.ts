import { account } from "$lib/accounts";
import { forgetAccounts, rememberAccounts } from "$lib/link/first-socket";

const NONCE = "AAAAAAAAAAAAAAAAAAAAAA";
const ATLAS = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
const BOREALIS = "b2d07e66c41f4e7f90c3aa5518e6f70d";
const DAY = 86_400_000;
const SERVICES = [
  { name: "github", label: "GitHub" },
  { name: "work", label: "Work" },
];
const at = (ago: number): string => new Date(Date.now() - ago).toISOString();

/**
 * A gateway's accounts in this page, in place of the network: `owner`, `admin`, `viewer` are signed in; with `out` nobody is; with `none` there are no accounts.
 * It checks no proofs. Development and tests only.
 */
export async function mockAccounts(who: string): Promise<void> {
  const { fetch } = globalThis;
  const state = {
    signIns: [
      { id: "1", label: "Chrome on Android", createdAt: at(12 * DAY), renewedAt: at(60_000), current: true },
      { id: "2", label: "Firefox on Linux", createdAt: at(40 * DAY), renewedAt: at(3 * DAY), current: false },
    ],
    passkeys: [
      { id: "p1", name: "Chrome on Android", createdAt: at(12 * DAY), usedAt: at(60_000) as string | null },
      { id: "p2", name: "Safari on iPhone", createdAt: at(2 * DAY), usedAt: null },
    ],
    services: [
      { id: "s1", service: "GitHub", account: "ada-lovelace", createdAt: at(9 * DAY), usedAt: at(DAY) as string | null },
      { id: "s2", service: "Work", account: null, createdAt: at(DAY), usedAt: null },
    ],
    users: [
      { name: "ada", role: "owner", machines: null as string[] | null, createdAt: at(90 * DAY), signIns: 2 },
      { name: "charles", role: "admin", machines: null, createdAt: at(50 * DAY), signIns: 1 },
      { name: "grace@example.org", role: "operator", machines: [ATLAS], createdAt: at(20 * DAY), signIns: 3 },
      {
        name: "the-person-with-the-longest-name-that-anybody-may-have-here.0001",
        role: "viewer",
        machines: [],
        createdAt: at(DAY),
        signIns: 0,
      },
    ],
    removed: [] as string[],
    invitations: [
      { id: "i1", role: "viewer", machines: [ATLAS, BOREALIS], by: "charles", endsAt: at(-5 * DAY) },
      { id: "i2", role: "operator", machines: null, by: null, endsAt: at(-2 * DAY) },
    ],
  };
  const answer = (body: unknown, status = 200): Response =>
    new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", "Account-Nonce": NONCE } });
  const refuse = (status: number, code: string): Response => answer({ error: { code, message: "" } }, status);
  const role = who === "out" ? "owner" : who;
  const scopes = { viewer: ["view"], operator: ["view", "prompt", "decide"] }[role] ?? ["view", "prompt", "decide", "manage"];
  const routes: Record<string, (body: Record<string, string>) => Response> = {
    welcome: ({ token, name }) =>
      name === "charles" ? refuse(409, "name_taken") : token?.startsWith("B") ? refuse(403, "bad_link") : tokens(),
    "sign-in": ({ password }) => (password === "wrong password" ? refuse(401, "wrong_name_or_password") : tokens()),
    me: () => answer({ name: "ada", role, scopes, machines: role === "viewer" ? [ATLAS] : null, ...own() }),
    machines: () =>
      answer({
        machines: [
          { machineId: ATLAS, label: "atlas", connected: true, since: at(2 * 3_600_000), addedAt: at(30 * DAY), addedBy: "ada" },
          { machineId: BOREALIS, label: "borealis", connected: false, since: null, addedAt: at(9 * DAY), addedBy: null },
        ].filter((one) => !state.removed.includes(one.machineId)),
      }),
    "machines/find": ({ code }) =>
      code === "ABCDEFGH"
        ? answer({
            id: "login",
            machineId: "0".repeat(32),
            label: "cassini",
            fingerprint: "lusab-babad-gutih-tugad",
            version: "1.0",
            remote: "192.0.2.7",
            askedAt: at(20_000),
            endsAt: at(-580_000),
          })
        : refuse(404, "not_found"),
    "machines/remove": ({ machine = "" }) => {
      state.removed.push(machine);
      return answer({});
    },
    "sign-ins/end": ({ id }) => {
      state.signIns = state.signIns.filter((one) => one.id !== id);
      return answer({});
    },
    "passkeys/rename": ({ id, name = "" }) => {
      if (/\p{C}/u.test(name)) return refuse(400, "malformed");
      state.passkeys = state.passkeys.map((one) => (one.id === id ? { ...one, name } : one));
      return answer({});
    },
    "passkeys/remove": ({ id }) => {
      state.passkeys = state.passkeys.filter((one) => one.id !== id);
      return answer({});
    },
    "services/begin-sign-in": () => refuse(503, "service_unreachable"),
    "services/begin-add": () => refuse(503, "service_unreachable"),
    "services/begin-welcome": () => refuse(503, "service_unreachable"),
    "services/remove": ({ id }) => {
      state.services = state.services.filter((one) => one.id !== id);
      return answer({});
    },
    password: ({ old }) => (old === "wrong password" ? refuse(401, "wrong_name_or_password") : answer({})),
    users: () => answer({ users: state.users, invitations: state.invitations }),
    "users/invite": () => answer({ token: "fJ3k_".repeat(8) + "abc", endsAt: at(-7 * DAY) }),
    "users/uninvite": ({ id }) => {
      state.invitations = state.invitations.filter((one) => one.id !== id);
      return answer({});
    },
    "users/remove": ({ name }) => {
      state.users = state.users.filter((one) => one.name !== name);
      return answer({});
    },
  };
  const own = (): object => ({ signIns: state.signIns, password: true, passkeys: state.passkeys, services: state.services });
  const tokens = (): Response => answer({ access: "access", refresh: "refresh", expiresIn: 600 });
  globalThis.fetch = async (input, init) => {
    const url = new URL(String(input instanceof Request ? input.url : input), location.href);
    if (!url.pathname.startsWith("/v1/accounts")) return fetch(input, init);
    if (who === "none") return new Response("There is nothing here.\n", { status: 404 });
    if (init?.method === "GET") return answer({ signIn: ["passkey", "password"], nonce: NONCE, services: SERVICES });
    const route = routes[url.pathname.replace("/v1/accounts/", "")];
    return route ? route(JSON.parse(new TextDecoder().decode(init?.body as Uint8Array)) as Record<string, string>) : answer({});
  };
  if (who === "none") {
    forgetAccounts();
    return;
  }
  rememberAccounts();
  if (who === "out") await account.signOut();
  else await account.signIn("ada", "correct horse battery", "");
}
