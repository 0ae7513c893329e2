/** One entry of an archive; `type` as in ustar: 0 file, 1 hard link, 2 symbolic link, 3 character device, 5 folder. */
export interface TarEntry {
  readonly name: string;
  readonly type?: "0" | "1" | "2" | "3" | "5" | "6";
  readonly mode?: number;
  readonly link?: string;
  readonly content?: Uint8Array | string;
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(entry.name, 0, 100);
  block.write(octal(entry.mode ?? 0o755, 8), 100);
  block.write(octal(1000, 8) + octal(1000, 8), 108);
  block.write(octal(size, 12) + octal(0, 12), 124);
  block.write("        ", 148);
  block.write(entry.type ?? "0", 156);
  block.write(entry.link ?? "", 157, 100);
  block.write("ustar\x0000", 257);
  block.write(octal(1, 8) + octal(3, 8), 329);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** A ustar archive with exactly these entries, well-behaved or not: no tool would write some of them. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? "");
    return [header(entry, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
