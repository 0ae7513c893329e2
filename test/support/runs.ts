/** How many times a property is tried: `few` on every check, twenty times as often where there is time (DROVER_PROVE). */
export function often(few: number): number {
  return process.env["DROVER_PROVE"] === undefined ? few : 20 * few;
}
