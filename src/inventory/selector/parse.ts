import { quote } from "../describe.ts";
import { TAG_KEY, TAG_VALUE } from "../names.ts";
import type { Requirement, Selector } from "./selector.ts";
import { HOST_KEY } from "./selector.ts";

/** A selector, or what is wrong with its text; `at` counts characters from 0. */
export type ParsedSelector =
  | { readonly kind: "ok"; readonly selector: Selector }
  | { readonly kind: "error"; readonly at: number; readonly message: string };

interface Token {
  readonly text: string;
  readonly at: number;
}

/** Ends a parse from any depth; never leaves this file. */
class Mistake extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/**
 * Parses Kubernetes' label-selector grammar: `key`, `!key`, `key=value`, `key==value`, `key!=value`,
 * `key in (a,b)`, `key notin (a,b)`, joined by commas; and `@host` with `*` in its values (DESIGN §1).
 * An empty text is an error: Kubernetes reads it as "everything", which is never what a slip should mean.
 */
export function parseSelector(text: string): ParsedSelector {
  try {
    const tokens = tokenize(text);
    const first = readRequirement(tokens);
    const rest: Requirement[] = [];
    while (peek(tokens).text === ",") {
      tokens.shift();
      rest.push(readRequirement(tokens));
    }
    const left = peek(tokens);
    if (left.text !== "") throw new Mistake(left.at, `expected "," or the end, got ${quote(left.text)}`);
    return { kind: "ok", selector: [first, ...rest] };
  } catch (error) {
    if (error instanceof Mistake) return { kind: "error", at: error.at, message: error.message };
    throw error;
  }
}

const PIECE = /\s*(==|!=|[=!(),]|[^\s=!(),]+)/y;

/** The words and signs of a text, closed by an empty token at its end. */
function tokenize(text: string): [Token, ...Token[]] {
  const tokens: Token[] = [];
  PIECE.lastIndex = 0;
  for (let match = PIECE.exec(text); match !== null; match = PIECE.exec(text)) {
    const word = match[1] ?? "";
    tokens.push({ text: word, at: match.index + match[0].length - word.length });
  }
  const [first, ...rest] = [...tokens, { text: "", at: text.length }];
  return [first ?? { text: "", at: 0 }, ...rest];
}

function peek(tokens: readonly Token[]): Token {
  return tokens[0] ?? { text: "", at: 0 };
}

/** The next token; the empty one at the end is never taken away. */
function take(tokens: Token[]): Token {
  const token = peek(tokens);
  if (token.text !== "") tokens.shift();
  return token;
}

function readRequirement(tokens: Token[]): Requirement {
  if (peek(tokens).text === "!") {
    tokens.shift();
    const at = peek(tokens).at;
    const key = readKey(tokens);
    if (key === HOST_KEY) throw new Mistake(at, `expected a tag after "!", got ${HOST_KEY}, which every host has`);
    return { kind: "missing", key };
  }
  const at = peek(tokens).at;
  const key = readKey(tokens);
  const sign = peek(tokens);
  if (sign.text === "," || sign.text === "") {
    if (key === HOST_KEY)
      throw new Mistake(at, `expected ${HOST_KEY}=NAME or ${HOST_KEY} in (NAME,NAME), got ${HOST_KEY} alone`);
    return { kind: "exists", key };
  }
  tokens.shift();
  if (sign.text === "=" || sign.text === "==") return { kind: "in", key, values: [readSingle(tokens, key)] };
  if (sign.text === "!=") return { kind: "notin", key, values: [readSingle(tokens, key)] };
  if (sign.text === "in" || sign.text === "notin") return { kind: sign.text, key, values: readList(tokens, key) };
  throw new Mistake(sign.at, `expected "=", "!=", "in", "notin" or "," after ${quote(key)}, got ${quote(sign.text)}`);
}

function readKey(tokens: Token[]): string {
  const { text, at } = take(tokens);
  if (text === "") throw new Mistake(at, "expected a tag or @host, got the end");
  if (text === HOST_KEY) return text;
  if (text.startsWith("@")) throw new Mistake(at, `expected a tag or @host, got ${quote(text)}`);
  const every = text === "*" ? ` (every host is "${HOST_KEY}=*")` : "";
  if (!TAG_KEY.test(text)) throw new Mistake(at, `expected a tag, got ${quote(text)}${every}`);
  return text;
}

/** One value after "=" or "!="; for a tag it may be empty, as in Kubernetes. */
function readSingle(tokens: Token[], key: string): string {
  const { text, at } = peek(tokens);
  if (key !== HOST_KEY && (text === "," || text === "")) return "";
  tokens.shift();
  return checkValue({ text, at }, key);
}

function readList(tokens: Token[], key: string): readonly string[] {
  const open = take(tokens);
  if (open.text !== "(") throw new Mistake(open.at, `expected "(" and a list of values, got ${got(open)}`);
  const values = [checkValue(take(tokens), key)];
  for (;;) {
    const next = take(tokens);
    if (next.text === ")") return values;
    if (next.text !== ",") throw new Mistake(next.at, `expected "," or ")" in the list, got ${got(next)}`);
    values.push(checkValue(take(tokens), key));
  }
}

function checkValue(token: Token, key: string): string {
  const allowed = key === HOST_KEY ? /^[a-z0-9.*-]+$/ : TAG_VALUE;
  if (token.text !== "" && allowed.test(token.text)) return token.text;
  const star = key !== HOST_KEY && token.text.includes("*") ? ` ("*" works in ${HOST_KEY} only)` : "";
  throw new Mistake(token.at, `expected ${key === HOST_KEY ? "a host name" : "a value"}, got ${got(token)}${star}`);
}

function got(token: Token): string {
  return token.text === "" ? "the end" : quote(token.text);
}
