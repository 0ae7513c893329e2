import { EXIT } from "../model/command.ts";
import { failure } from "../model/errors.ts";
import type { Failure } from "../model/errors.ts";
import { INSTALL_EXIT } from "../model/installing.ts";
import type { Ran } from "../model/operation.ts";

/** What the end of one of BIND's scripts means: its first line on stderr says what is wrong, the others are evidence. */
export function namedFailure(host: string, { code, stderr }: Ran): Failure {
  const [first = "", ...detail] = stderr.split("\n").filter((line) => line.trim() !== "");
  switch (code) {
    case INSTALL_EXIT.missing:
      return failure("package-missing", `BIND is not installed on ${host}`, "install it there: apt-get install bind9");
    case INSTALL_EXIT.refused: {
      const hint = "nothing was changed there; put right what it names, then: drover plan";
      return failure("dns-server", `${host}: ${first}`, hint, detail);
    }
    case INSTALL_EXIT.putBack:
    case INSTALL_EXIT.stuck:
      return failure("dns-server", `${host}: ${first}`, "see there: journalctl -u named", detail);
    case EXIT.diskFull:
      return failure("disk-full", `the disk of ${host} is full`, "make room there, then: drover apply", [
        first,
        ...detail,
      ]);
    default: {
      const says = `BIND on ${host} could not be changed (exit code ${String(code)})`;
      return failure("command-failed", says, "put right what it names, then: drover apply", [first, ...detail]);
    }
  }
}
