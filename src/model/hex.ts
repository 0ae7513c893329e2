/**
 * Facts that carry whole files or answers print `KEY HEX`, a line each: a value is one word of hex digits, so that nothing in a
 * file can look like a line of ours.
 */

/** The text that hex digits stand for. */
export function fromHex(hex: string): string {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return new TextDecoder().decode(bytes);
}

/** Lines of `KEY HEX`, by key. */
export function hexLines(stdout: string): ReadonlyMap<string, string> {
  return new Map(
    stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [key = "", value = ""] = line.split(" ", 2);
        return [key, fromHex(value)] as const;
      }),
  );
}
