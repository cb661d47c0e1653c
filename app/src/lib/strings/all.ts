import { type Catalogue, t as first } from ".";
import { enLater } from "./en-later";
import { extend } from "./language";

/** Every word of the app, for what is loaded after the first screen. */
export const t: Catalogue = extend(first, enLater);
