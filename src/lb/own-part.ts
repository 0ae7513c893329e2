import { DroverError, failure } from "../model/errors.ts";
import type { LbModel } from "../model/lb.ts";
import { followsOf, templatesIn } from "./follow.ts";
import { ADMIN_SOCKET, STATE_FILE } from "./paths.ts";
import { parseSections } from "./sections.ts";
import type { Section } from "./sections.ts";
import { serverAddress } from "./syntax.ts";

/** Lines that drover itself works by. HAProxy would take a file without them, and nobody could be drained any more. */
const NEEDED: readonly { readonly line: RegExp; readonly text: string }[] = [
  { line: socketLine(), text: `stats socket ${ADMIN_SOCKET} mode 600 level admin` },
  {
    line: new RegExp(`^[ \\t]+server-state-file[ \\t]+${STATE_FILE}[ \\t]*$`, "m"),
    text: `server-state-file ${STATE_FILE}`,
  },
  { line: /^[ \t]+load-server-state-from-file[ \t]+global[ \t]*$/m, text: "load-server-state-from-file global" },
  { line: /^[ \t]+bind[ \t]+127\.0\.0\.1:8405[ \t]*$/m, text: "bind 127.0.0.1:8405" },
  { line: /^[ \t]+monitor-uri[ \t]+\/[ \t]*$/m, text: "monitor-uri /" },
];

function socketLine(): RegExp {
  return new RegExp(
    `^[ \\t]+stats[ \\t]+socket[ \\t]+${ADMIN_SOCKET}[ \\t](?:.*[ \\t])?level[ \\t]+admin(?:[ \\t]|$)`,
    "m",
  );
}

/**
 * Throws a DroverError where a template leaves out what drover works by: its sockets and state file, keepalived's question,
 * an app's backend, one of its servers, a server's mark at the end of its line, or where the servers of a followed service go. `disabled` holds "backend/server".
 */
export function keepsOwnPart(config: string, model: LbModel, disabled: ReadonlySet<string>): void {
  const missing = NEEDED.find(({ line }) => !line.test(config));
  const problem = missing === undefined ? serverProblem(config, model, disabled) : `it has no line "${missing.text}"`;
  if (problem === null) return;
  const hint = "put back into the template haproxy.cfg.hbs what it left out of drover's own";
  throw new DroverError(failure("files-invalid", `haproxy.cfg would not work: ${problem}`, hint));
}

function serverProblem(config: string, model: LbModel, disabled: ReadonlySet<string>): string | null {
  const sections = new Map(parseSections(config).map((section) => [section.title, section]));
  for (const { app, servers } of Object.values(model.apps)) {
    const section = sections.get(`backend ${app}`);
    if (section === undefined) return `it has no backend ${app}`;
    const problem = problemIn(section, app, { servers, disabled });
    if (problem !== null) return problem;
  }
  return followProblem(config, model);
}

/** The planner and the host tell followed servers from others by these lines. */
function followProblem(config: string, model: LbModel): string | null {
  const templates = templatesIn(config);
  for (const { app, srv, slots } of followsOf(model)) {
    const own = templates.find(({ backend }) => backend === app);
    if (own === undefined) return `it has no backend ${app} with a server-template`;
    if (own.prefix !== app || own.srv !== srv || own.slots !== slots)
      return `backend ${app} has no "server-template ${app} ${String(slots)} ${srv}"`;
  }
  return null;
}

function problemIn(
  section: Section,
  app: string,
  {
    servers,
    disabled,
  }: { readonly servers: LbModel["apps"][string]["servers"]; readonly disabled: ReadonlySet<string> },
): string | null {
  const lines = new Map(section.servers.map((line) => [line.ref.server, line]));
  for (const server of servers) {
    const found = lines.get(server.name);
    const at = serverAddress(server);
    if (found === undefined || found.line.split(" ", 1)[0] !== at)
      return `backend ${app} has no server ${server.name} at ${at}`;
    if (found.disabled !== disabled.has(`${app}/${server.name}`)) {
      return `the line of server ${server.name} in backend ${app} does not end with its mark`;
    }
  }
  return null;
}
