import type { Translation } from "../language";
import { app } from "./app";
import { ledger, machine, marks, palette, review } from "./later";
import { notifications } from "./notifications";
import { project } from "./project";

/** Simplified Chinese: one chunk, fetched only by who reads it. */
export const zh: Translation = { app, project, ledger, machine, palette, review, marks, notifications };
