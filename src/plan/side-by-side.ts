/** Several sequences of stages as one: their first stages together, then their second, and so on. */
export function sideBySide<Item>(sequences: readonly (readonly (readonly Item[])[])[]): readonly (readonly Item[])[] {
  const longest = Math.max(0, ...sequences.map((sequence) => sequence.length));
  return Array.from({ length: longest }, (_, index) => sequences.flatMap((sequence) => sequence[index] ?? []));
}
