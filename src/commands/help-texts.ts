// What follows the options in a --help.

/** Of `apply`. */
export const APPLY_EXAMPLES: string = `Examples:
  drover apply              shows the plan, asks, does it
  drover apply --yes        asks nothing, for CI; drover plan shows the same and changes nothing`;

/** Of `rollout start`. */
export const START_EXAMPLES: string = `Examples:
  drover rollout start shop --release 1.5.0    writes release: "1.5.0" into the app's file and rolls it out
  drover rollout start shop                    rolls out what the file says`;

/** Of `drain`. */
export const DRAIN_EXAMPLES: string = `Examples:
  drover drain app1 -m "new disk"        every app of app1 out of every balancer, no request lost
  drover drain lb1 -m "kernel update"    a balancer hands its VIP over first
  drover undrain app1                    back in; drover status lists what is drained`;

/** Of `firewall explain`. */
export const EXPLAIN_EXAMPLES: string = `It answers from the files alone, with exit code 0 whether it is allowed or denied; --output json has "allowed".

Examples:
  drover firewall explain shop orders orders         every host of one app to every host of the other
  drover firewall explain 203.0.113.9 lb1 443        an address from outside
  drover firewall explain app1 db1 udp/514           one host to another`;

/** Of `dns adopt`. */
export const ADOPT_EXAMPLES: string = `No answer to a client changes; the next apply brings the records to what the files say.

Examples:
  drover dns adopt orders               records that somebody wrote by hand
  drover dns adopt orders --from old    records of another fleet of drover's, which must not write them any more`;

/** Of `dns gc`. */
export const GC_EXAMPLES: string = `Examples:
  drover dns gc                              what is left over in the zone of drover.yaml
  drover dns gc --allow-empty                also where clients are still told of an instance
  drover dns gc --forget old.example.com     once its names are gone, or the zone is: plan names it no more`;

/** Of `doctor`. */
export const DOCTOR_NOTES: string = `It changes nothing. Exit code 1 means that something is wrong, each with what to do about it; a note alone leaves it at 0.`;

/** Of all commands; README has the same table. */
export const EXIT_CODES: string = `Exit codes:
  0    done, or no difference and nothing unknown
  1    failed, or something stayed unknown
  2    differences found (plan, lb verify, firewall show, dns verify)
  3    a rollout is left open, also when the failed host was reverted
  4    a host is unreachable: a rollout is left open, a firewall closed on the others alone, or drain refused
  5    the lease is held by another run
  6    everything was put back and the rollout closed
  64   wrong usage or invalid files
  130  interrupted`;
