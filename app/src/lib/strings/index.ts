import { en } from "./en";
import { catalogue } from "./language";

/** The language in use. Others must have every entry of the English one, with the same arguments. */
export type Catalogue = typeof en;
export const t: Catalogue = catalogue("app", en);
