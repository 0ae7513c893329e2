import { DroverError, failure } from "../model/errors.ts";
import type { Fact } from "../model/fact.ts";
import type { Holder, StateFacts } from "../model/ports.ts";
import { parseDrain } from "./drain.ts";
import { parseHolder } from "./holder.ts";
import { parseLedger } from "./ledger.ts";
import { STATE_DIRECTORY } from "./lease.pl.ts";
import { parseServices } from "./services.ts";

/**
 * One `key value` per line. Whether the lease is held is asked of the kernel, by taking the lock for a moment, shared;
 * the lease program tries more than once because of that. Nothing is created: this only looks.
 */
const TEXT = `
d=${STATE_DIRECTORY}
# As the lease counts: from the larger of its own count and what this host has seen as one that is changed.
newest=0
for f in "$d/epoch" "\${d%/*}/epoch"; do
  seen=$(cat "$f" 2>/dev/null); seen=\${seen%% *}
  case $seen in '' | *[!0-9]*) continue ;; esac
  [ "$seen" -gt "$newest" ] && newest=$seen
done
echo "epoch $newest"
[ -d "$d" ] || return 0
if [ -e "$d/key" ]; then echo "key $(cat "$d/key")"; fi
if [ -e "$d/lock" ]; then
  flock -s -n -E 75 "$d/lock" true; code=$?
  case $code in
    0) ;;
    75) printf 'holder %s\\n' "$(cat "$d/holder.json" 2>/dev/null)" ;;
    *) return $code ;;
  esac
fi
for f in "$d"/open/*; do
  case $f in *.drover-tmp) continue ;; esac
  [ -e "$f" ] && echo "open \${f##*/} $(cat "$f")"
done
for f in "$d"/drains/*.json; do
  [ -e "$f" ] || continue
  host=\${f##*/}
  # Not echo, which dash lets read the backslashes of JSON.
  printf 'drain %s %s\\n' "\${host%.json}" "$(cat "$f")"
done
for f in ledger services; do
  if [ -e "$d/$f.json" ]; then printf '%s %s\\n' "$f" "$(cat "$d/$f.json")"; fi
done
return 0
`;

/** Somebody holds the lease and has not said who: it is busy starting or ending. */
const NAMELESS: Holder = { run: "", operator: "somebody", purpose: "unknown", since: "" };

/** What the state host tells in passing. */
export const stateFact: Fact<StateFacts> = { name: "state", text: TEXT, parse: parseStateFacts };

type Told = { -readonly [Key in keyof StateFacts]: StateFacts[Key] };

/** What each kind of line means; false when its value makes no sense. */
const READERS: Readonly<Record<string, (told: Told, value: string) => boolean>> = {
  epoch(told, value) {
    told.epoch = Number(value);
    return /^[0-9]{1,15}$/.test(value);
  },
  key(told, value) {
    told.fingerprintKey = value;
    return /^[0-9a-f]{64}$/.test(value);
  },
  holder(told, value) {
    told.holder = parseHolder(value) ?? NAMELESS;
    return true;
  },
  open(told, value) {
    const [, app, rollout] = /^([^ ]+) ([^ ]+)$/.exec(value) ?? [];
    if (app === undefined || rollout === undefined) return false;
    told.open = { ...told.open, [app]: rollout };
    return true;
  },
  drain(told, value) {
    const [, host, text] = /^([^ ]+) (.+)$/.exec(value) ?? [];
    const drain = text === undefined ? null : parseDrain(text);
    if (host === undefined || drain === null) return false;
    told.drains = { ...told.drains, [host]: drain };
    return true;
  },
  ledger(told, value) {
    told.ledger = parseLedger(value);
    return told.ledger !== null;
  },
  services(told, value) {
    told.services = parseServices(value);
    return told.services !== null;
  },
};

/** Parses the fact. Throws a DroverError when a line makes no sense: then the state is unknown. */
function parseStateFacts(stdout: string): StateFacts {
  const told: Told = {
    fingerprintKey: null,
    open: {},
    drains: {},
    ledger: null,
    services: null,
    holder: null,
    epoch: 0,
  };
  for (const line of stdout.split("\n").filter((text) => text !== "")) {
    const [key = "", ...words] = line.split(" ");
    if (READERS[key]?.(told, words.join(" ")) === true) continue;
    const hint = `look at ${STATE_DIRECTORY} there`;
    // The line itself may hold the fleet's key, so only its first word is shown.
    throw new DroverError(failure("unknown-state", "what the state host told makes no sense", hint, [key]));
  }
  return told;
}
