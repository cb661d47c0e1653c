import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

/** Faults, not taste: formatting is Prettier's, types are checked by svelte-check. Every rule that is off says why. */
export default ts.config(
    { ignores: ["dist/", "node_modules/", "public/", "packages/", "src/lib/protocol/generated.ts"] },
    { linterOptions: { reportUnusedDisableDirectives: "error" } },
    js.configs.recommended,
    ...ts.configs.recommended,
    ...svelte.configs.recommended,
    { languageOptions: { globals: { ...globals.browser, ...globals.node, ...globals.serviceworker, __APP_VERSION__: "readonly" } } },
    { files: ["**/*.svelte", "**/*.svelte.ts"], languageOptions: { parserOptions: { parser: ts.parser } } },
    {
        rules: {
            // {" · "} keeps a space that a formatter or the compiler would drop.
            "svelte/no-useless-mustaches": "off",
            // Stores replace maps and sets as a whole ($state.raw); a reactive one costs a signal for each entry of a long list.
            "svelte/prefer-svelte-reactivity": "off",
        },
    },
);
