/** Headers that frame a message or belong to one connection (RFC 9110 §7.6.1), lower case: HAProxy's own to set. */
export const FRAMING_HEADERS: readonly string[] = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
