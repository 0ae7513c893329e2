import { EXIT } from "../../model/command.ts";
import { failure } from "../../model/errors.ts";
import type { Failure } from "../../model/errors.ts";
import type { Ran } from "../../model/operation.ts";
import { ASK_EXIT } from "../ask.ts";
import { RESOLV_CONF } from "../paths.ts";
import { RESOLVER_EXIT } from "../script.ts";

/** What the end of a script means: its first line on stderr says what is wrong, the others are evidence. */
export function failureOf(host: string, { code, stderr }: Ran): Failure {
  const [first = "", ...detail] = stderr.split("\n").filter((line) => line.trim() !== "");
  const words = `${host}: ${first}`;
  const ask = "nothing was changed there; try there: dig @SERVER ZONE SOA";
  switch (code) {
    case ASK_EXIT.silent:
      return failure("dns-unreachable", words, ask, detail);
    case ASK_EXIT.wrong:
      return failure("dns-answer", words, ask, detail);
    case RESOLVER_EXIT.putBack:
      return failure("resolver", words, "see there: /etc/nsswitch.conf", detail);
    case RESOLVER_EXIT.stuck:
      return failure("resolver", words, "see there: journalctl -u systemd-resolved", detail);
    case RESOLVER_EXIT.fixed:
    case RESOLVER_EXIT.lost:
    case RESOLVER_EXIT.moved:
      return failure("resolver", words, "nothing was changed; or say in drover.yaml: dns: {resolver: false}", detail);
    case EXIT.diskFull:
      return failure("disk-full", `the disk of ${host} is full`, "make room there, then: drover apply", [
        first,
        ...detail,
      ]);
    default:
      return failure(
        "command-failed",
        `${RESOLV_CONF} on ${host} could not be changed (exit code ${String(code)})`,
        "put right what it names, then: drover apply",
        [first, ...detail],
      );
  }
}
