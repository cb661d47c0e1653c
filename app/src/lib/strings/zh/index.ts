import type { Translation } from "../language";
import { account } from "./account";
import { app } from "./app";
import { ledger, machine, marks, palette, review, trouble } from "./later";
import { notifications } from "./notifications";
import { project } from "./project";

/** Simplified Chinese: one chunk, fetched only by who reads it. */
export const zh: Translation = { app, project, ledger, machine, palette, review, marks, notifications, account, trouble };
