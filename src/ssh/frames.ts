/** Cuts a byte stream into length-framed texts: the length in bytes as a decimal line, then the bytes. */
export interface FrameReader {
  /** Gives the frames that are complete now. Throws a RangeError for a length line that makes no sense. */
  push(chunk: Buffer): readonly string[];
}

const LIMIT = 64 * 1024 * 1024;

/** Makes a {@link FrameReader}. */
export function createFrameReader(): FrameReader {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted: number | null = null;

  const join = (): Buffer => {
    const whole = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
    chunks = [whole];
    return whole;
  };
  const drop = (count: number): void => {
    const rest = join().subarray(count);
    chunks = [rest];
    held = rest.length;
  };
  const readLength = (): boolean => {
    const whole = join();
    const newline = whole.indexOf(10);
    if (newline === -1 && held <= 12) return false;
    const line = whole.subarray(0, newline === -1 ? 13 : newline).toString("latin1");
    if (!/^[0-9]{1,9}$/.test(line) || Number(line) > LIMIT)
      throw new RangeError(`bad frame length ${JSON.stringify(line)}`);
    wanted = Number(line);
    drop(newline + 1);
    return true;
  };

  return {
    push(chunk) {
      chunks.push(chunk);
      held += chunk.length;
      const frames: string[] = [];
      while (held > 0 || wanted === 0) {
        if (wanted === null && !readLength()) break;
        if (wanted === null || held < wanted) break;
        frames.push(join().subarray(0, wanted).toString());
        drop(wanted);
        wanted = null;
      }
      return frames;
    },
  };
}
