import { quote } from "./describe.ts";

/** A text with its `{{names}}` filled in, or the mistake; `at` counts characters from 0. */
export type Filled =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "error"; readonly at: number; readonly message: string };

/** What the names stand for; null for one that this app does not have. */
export interface TemplateValues {
  readonly release: string;
  readonly port: number | null;
}

/** Fills `{{release}}` and `{{port}}` in. Any other name, and a `{{` that is never closed, is a mistake. */
export function fillIn(text: string, values: TemplateValues): Filled {
  let filled = "";
  let at = 0;
  for (;;) {
    const open = text.indexOf("{{", at);
    if (open < 0) return { kind: "ok", text: filled + text.slice(at) };
    const close = text.indexOf("}}", open);
    if (close < 0) return { kind: "error", at: open, message: 'expected "}}" after "{{"' };
    const name = text.slice(open + 2, close).trim();
    if (name === "port" && values.port === null)
      return { kind: "error", at: open, message: "expected no {{port}}: this app has no port" };
    if (name !== "release" && name !== "port")
      return {
        kind: "error",
        at: open,
        message: `expected {{release}} or {{port}}, got ${quote(text.slice(open, close + 2))}`,
      };
    filled += text.slice(at, open) + String(values[name]);
    at = close + 2;
  }
}
