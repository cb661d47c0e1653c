// A provider of OpenID Connect that others wrote (oidc-provider): node openid-provider.mjs MODULES PORT CLIENT SECRET REDIRECT
// It listens on loopback only, lets anybody sign in by a name of their choice, and says "ready" when it does.
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

const [modules, port, client_id, client_secret, redirect] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`).href);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id, client_secret, redirect_uris: [redirect], response_types: ["code"], grant_types: ["authorization_code"] }],
  pkce: { required: () => true },
  claims: { openid: ["sub"], profile: ["preferred_username"] },
  conformIdTokenClaims: false, // what they call themselves is in the token, as with most providers
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: `${id} of the provider` }) }),
  cookies: { keys: [randomBytes(32).toString("hex")] },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
