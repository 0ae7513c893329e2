import { z } from "zod";
import { FRAMING_HEADERS } from "../../model/headers.ts";
import { HEADER_NAME, HEADER_VALUE } from "../names.ts";
import { text } from "./values.ts";

/** Set by drover, by a key of their own or on every request. */
const OWN: Readonly<Record<string, string>> = {
  "strict-transport-security": "the key hsts for it",
  "x-forwarded-for": "no X-Forwarded-For, which balancers set themselves",
  "x-forwarded-proto": "no X-Forwarded-Proto, which balancers set themselves",
};

const name = text("a header's name of letters, digits, dots, dashes and underscores", HEADER_NAME);
const value = text("a header's value of visible ASCII, with single spaces only inside", HEADER_VALUE);

/** Headers by name; each once, whatever its case (RFC 9110 §5.1). */
export const headers: z.ZodType<Record<string, string>> = z
  .record(name, value, { error: "a map of headers" })
  .superRefine((written, context) => {
    const seen = new Set<string>();
    for (const header of Object.keys(written)) {
      const lower = header.toLowerCase();
      const message = FRAMING_HEADERS.includes(lower)
        ? `no ${header}, which HAProxy sets itself`
        : (OWN[lower] ?? (seen.has(lower) ? "each header once, whatever its case" : null));
      seen.add(lower);
      if (message !== null) context.addIssue({ code: "custom", message, path: [header] });
    }
  });
