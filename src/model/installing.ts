import { EXIT } from "./command.ts";
import { failure } from "./errors.ts";
import type { Failure } from "./errors.ts";
import type { Ran } from "./operation.ts";

/** Exit codes of the scripts that bring a program's files into effect, beyond those that every script has. */
export const INSTALL_EXIT = {
  /** Refused before anything was changed. */
  refused: 65,
  /** The new files did not come up; the previous ones are back and run. */
  putBack: 66,
  /** Neither the new files nor the previous ones run. */
  stuck: 67,
  /** keepalived's: a VIP is still on the host. */
  held: 68,
  /** The program is not installed. */
  missing: 69,
} as const;

/** The program whose files were to be changed. */
export interface Installed {
  /** As people write it. */
  readonly program: string;
  /** Debian's package, and the name of its unit. */
  readonly package: string;
  /** Its main file. */
  readonly file: string;
}

/** Lines that say something. */
function lines(text: string): readonly string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** What the end of an installing script means: its first line on stderr says what is wrong, the others are evidence. */
export function installFailure(balancer: string, installed: Installed, { code, stderr }: Ran): Failure {
  const { program, package: name, file } = installed;
  const [first = "", ...detail] = lines(stderr);
  switch (code) {
    case INSTALL_EXIT.missing:
      return failure(
        "package-missing",
        `${program} is not installed on ${balancer}`,
        `install it there: apt-get install ${name}`,
      );
    case INSTALL_EXIT.refused: {
      const hint = "nothing was changed there; put right what it names, then: drover plan";
      return failure("balancer-config", `${balancer}: ${first}`, hint, detail);
    }
    case INSTALL_EXIT.putBack:
    case INSTALL_EXIT.stuck:
    case INSTALL_EXIT.held:
      return failure("balancer-config", `${balancer}: ${first}`, `see there: journalctl -u ${name}`, detail);
    case EXIT.diskFull:
      return failure("disk-full", `the disk of ${balancer} is full`, "", [first, ...detail]);
    default:
      return failure("command-failed", `${file} on ${balancer} could not be changed (exit code ${String(code)})`, "", [
        first,
        ...detail,
      ]);
  }
}
