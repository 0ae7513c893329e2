import { PRELUDE } from "../model/prelude.ts";
import type { Request } from "../model/ports.ts";
import { quoteAll } from "./quote.ts";

/** Printed by {@link BOOT} before anything else, followed by its process id: whoever sees it knows that sudo let us in. */
export const MARKER = "drover-begin";

/** The script's last line. Without it the connection broke while the script was on its way, and nothing of it runs. */
const WHOLE = "#drover-end";

/**
 * Takes the framed script from stdin and runs it, leaving the frames after it for the script. `head -c` never reads
 * past its count, while a shell that is given a script on stdin reads ahead (dash). It has no single quote, backslash,
 * exclamation mark or newline, so that every login shell (bash, dash, zsh, fish, tcsh) passes it on unchanged.
 */
const BOOT = `echo ${MARKER} $$; IFS= read -r n && s=$(head -c "$n") && case "$s" in *"${WHOLE}") eval "$s";; *) exit 74;; esac`;

/** What sshd is asked to run: a constant. */
export function remoteCommand(become: "sudo" | "none"): string {
  return `${become === "sudo" ? "sudo -n " : ""}sh -c '${BOOT}'`;
}

/** What stops a command: its process group gets TERM. sudo forwards nothing that comes from its own group, hence all of it. */
export function stopCommand(become: "sudo" | "none", pid: number): string {
  const script = `set -- $(cut -d")" -f2- /proc/${pid}/stat) && kill -s TERM -- -$3`;
  return `${become === "sudo" ? "sudo -n " : ""}sh -c '${script}'`;
}

/** Length line and bytes of the script: arguments, prelude, epoch guard, the command's own text. Throws for NUL. */
export function renderScript(request: Request): Uint8Array {
  const { command, warrant } = request;
  const script = [
    `set -- ${quoteAll(command.args)}`,
    PRELUDE,
    warrant === null ? "" : `epoch_guard ${quoteAll([String(warrant.epoch), warrant.run])}`,
    command.text,
    WHOLE,
  ].join("\n");
  const bytes = Buffer.from(script);
  return Buffer.concat([frameHeader(bytes.length), bytes]);
}

/** The line that stands before a frame. */
export function frameHeader(size: number): Uint8Array {
  return Buffer.from(`${size}\n`);
}
