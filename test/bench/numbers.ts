/** The middle of some figures; the mean of the two in the middle where their number is even. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const [low = Number.NaN, high = Number.NaN] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ];
  return (low + high) / 2;
}

/** "0.71 s (0.66-0.80)": the median with what is around it; figures in milliseconds. */
export function spread(figures: readonly number[]): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  return `${seconds(median(figures))} s (${seconds(Math.min(...figures))}-${seconds(Math.max(...figures))})`;
}

/** Lines of a table, columns as wide as their widest cell, figures to the right. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return /^[0-9]/.test(cell) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** A point of a plot. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A plot in characters, both axes logarithmic: a straight line of slope one is growth in proportion. */
export function logPlot(points: readonly Point[], title: string): readonly string[] {
  const [width, height] = [50, 12];
  const [xs, ys] = [points.map(({ x }) => Math.log10(x)), points.map(({ y }) => Math.log10(y))];
  const scale = (values: readonly number[]): ((value: number) => number) => {
    const [least, most] = [Math.floor(Math.min(...values)), Math.ceil(Math.max(...values))];
    return (value) => (most === least ? 0 : (value - least) / (most - least));
  };
  const [across, up] = [scale(xs), scale(ys)];
  const grid = Array.from({ length: height + 1 }, () => Array.from({ length: width + 1 }, () => " "));
  for (const [index, x] of xs.entries()) {
    const row = grid[height - Math.round(up(ys[index] ?? 0) * height)];
    if (row !== undefined) row[Math.round(across(x) * width)] = "o";
  }
  const [bottom, top] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys))];
  const label = (row: number): string => {
    if (row === 0) return String(10 ** top);
    return row === height ? String(10 ** bottom) : "";
  };
  const [left, right] = [10 ** Math.floor(Math.min(...xs)), 10 ** Math.ceil(Math.max(...xs))];
  return [
    title,
    ...grid.map((cells, row) => `${label(row).padStart(8)} |${cells.join("").trimEnd()}`),
    `${" ".repeat(8)} +${"-".repeat(width)}`,
    `${" ".repeat(9)} ${String(left)}${String(right).padStart(width - String(left).length)}`,
  ];
}
