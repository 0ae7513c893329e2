import { DroverError, failure } from "../model/errors.ts";
import { FRAMING_HEADERS } from "../model/headers.ts";
import { refuse } from "./syntax.ts";

/** A header as the template writes it: `value` is quoted for HAProxy and escaped for its log-format. */
export interface HeaderView {
  readonly name: string;
  readonly value: string;
}

// RFC 9110 §5.6.2's token without what means something to HAProxy's own parser.
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,126})$/;
// Visible ASCII with single spaces inside: HAProxy's log-format makes one space of several.
const VALUE = /^[!-~]+(?: [!-~]+)*$/;
const LIMIT = 1000;

/** One word of haproxy.cfg (configuration.txt §2.2): strong quotes, or weak ones where the text holds a strong one. */
function quoted(text: string): string {
  return text.includes("'") ? `"${text.replaceAll(/[\\"$]/g, String.raw`\$&`)}"` : `'${text}'`;
}

/** `%` starts a variable of a log-format (configuration.txt §8.2.4). */
function header(name: string, value: string): HeaderView {
  if (!NAME.test(name)) return refuse("files-invalid", "the header name", name);
  if (FRAMING_HEADERS.includes(name.toLowerCase())) {
    throw new DroverError(failure("files-invalid", `the header ${name} is HAProxy's own`, "run drover validate"));
  }
  if (!VALUE.test(value) || value.length > LIMIT) return refuse("files-invalid", `the value of header ${name}`, value);
  return { name, value: quoted(value.replaceAll("%", "%%")) };
}

/**
 * Headers in the order of their names, each once whatever its case; of two layers the later one wins.
 * Throws a DroverError for what HAProxy would take for its own syntax, or write itself.
 */
export function headerViews(...layers: readonly Readonly<Record<string, string>>[]): readonly HeaderView[] {
  const byName = new Map<string, HeaderView>();
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) byName.set(name.toLowerCase(), header(name, value));
  }
  return [...byName].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, view]) => view);
}
