import { en } from "./en";

/** The language in use. Others must have every entry of the English one, with the same arguments. */
export type Catalogue = typeof en;
export const t: Catalogue = en;
