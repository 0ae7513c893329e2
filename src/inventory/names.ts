/**
 * What names and other short texts may look like. Each pattern is narrow enough that its text can stand in a path, a
 * unit name, haproxy.cfg and a shell argument without meaning anything there.
 */

/** Names of apps, fleets and balancer sets: with `drover-` in front still a legal user name (31 characters). */
export const APP_NAME: RegExp = /^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$/;

/** Names of firewall policies: with an index behind, well inside what iptables keeps of a comment. */
export const POLICY_NAME: RegExp = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;

/** Host names: lower-case letters, digits, dots and dashes, with a letter so that no name reads as an address. */
export const HOST_NAME: RegExp = /^(?=.*[a-z])(?!.*\.\.)[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

/** Release strings: one path segment that cannot climb out of its folder. */
export const RELEASE: RegExp = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$/;

/** Tag keys: a Kubernetes label name, with an optional prefix before a slash. */
export const TAG_KEY: RegExp =
  /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Tag values: a Kubernetes label value; may be empty. */
export const TAG_VALUE: RegExp = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** Environment variables, and secrets: systemd's credential ids allow more, but one rule is easier to keep. */
export const ENV_NAME: RegExp = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/;

/** Login names. */
export const USER_NAME: RegExp = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/** Host part of a route: a lower-case DNS name without port; `*.` in front stands for one label. */
export const ROUTE_HOST: RegExp =
  /^(?=.{1,253}$)(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** A name that hosts may have in DNS (RFC 1123 §2.1): labels that neither start nor end with a dash. */
export const DNS_NAME: RegExp =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Zones: two labels or more, the last one with a letter in front, so that none reads as an address. */
export const ZONE: RegExp = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Names of TSIG keys: domain names, which may hold underscores. */
export const KEY_NAME: RegExp = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/** Path of a route: `/`, or segments without a slash at the end. `..` and `//` have no meaning in a prefix. */
export const ROUTE_PATH: RegExp = /^(?=.{1,255}$)(\/|(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~@:+-]+)+)$/;

/** Path of a health check, with an optional query. */
export const CHECK_PATH: RegExp = /^\/[A-Za-z0-9._~@:+/?=&%,-]{0,254}$/;

/** The name of SRV records: a service, a protocol and where (RFC 2782), lower case, without the final dot. */
export const SRV_NAME: RegExp = /^(?=.{3,253}$)_[a-z0-9-]{1,62}(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?){2,}$/;

/** Network interfaces: at most IFNAMSIZ - 1 characters. */
export const INTERFACE: RegExp = /^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/;

/** Names of certificates, made from the names of their files. */
export const CERTIFICATE: RegExp = /^(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;

/** OpenSSL's names of ciphers and cipher suites, without the signs that join and exclude them. */
export const CIPHER: RegExp = /^[A-Z0-9][A-Z0-9_-]{0,63}$/;

/** Header names: of RFC 9110's tokens those that mean nothing to HAProxy. */
export const HEADER_NAME: RegExp = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** Header values: visible ASCII with single spaces inside, as HAProxy's log-format makes one space of several. */
export const HEADER_VALUE: RegExp = /^(?=.{1,1000}$)[!-~]+( [!-~]+)*$/;

/**
 * Control characters, line separators and the marks that reorder text on a terminal; and what systemd does not take for
 * UTF-8: lone surrogates and noncharacters.
 */
export const UNPRINTABLE: RegExp =
  /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
