import { en } from "./en";
import type { enLater } from "./en-later";
import { catalogue } from "./language";

/** The language in use. Others must have every entry of the English one, with the same arguments. */
export type Catalogue = typeof en & typeof enLater;

/** The words of the first load, and no more: a module of the first load that needs another one does not compile. Other modules take `t` from `./all`. */
export const t: typeof en = catalogue("app", en);
