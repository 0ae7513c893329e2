import { DroverError, failure } from "../../model/errors.ts";

/** Bytes from a server that make no sense (`dns-answer`); the client puts the server's name before the sentence. */
export function garbled(why: string): DroverError {
  return new DroverError(failure("dns-answer", why));
}

/** Something that cannot be said in DNS. Domains check before they ask, so this is a mistake of ours. */
export function unwritable(why: string): DroverError {
  return new DroverError(failure("bug", why));
}

/** A whole number from 0 to `max`, or an error that calls it by its name. */
export function checkedNumber(what: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw unwritable(`${what} is ${String(value)}: not a whole number from 0 to ${max}`);
}
