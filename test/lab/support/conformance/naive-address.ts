/** Addresses as rows of bits written out, compared character by character: nothing to get wrong in a clever way. */

/** 32 or 128 characters `0` and `1`. */
export function bitsOf(address: string): string {
  if (!address.includes(":"))
    return address
      .split(".")
      .map((part) => binary(Number(part), 8))
      .join("");
  const [left = "", right] = address.split("::");
  const front = left === "" ? [] : left.split(":");
  const back = right === undefined || right === "" ? [] : right.split(":");
  const gap = right === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(gap).fill("0"), ...back];
  return groups.map((group) => binary(Number.parseInt(group, 16), 16)).join("");
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}

/** Whether an address is in a prefix of its family; an address alone is a prefix of one. */
export function isWithin(address: string, prefix: string): boolean {
  const [network = "", length] = prefix.split("/");
  const [own, wanted] = [bitsOf(address), bitsOf(network)];
  if (own.length !== wanted.length) return false;
  const count = length === undefined ? own.length : Number(length);
  return own.slice(0, count) === wanted.slice(0, count);
}
