/** Milliseconds a server may take to say what the primary says. BIND's own lag is 5 s where nobody told it better. */
export const LAG_LIMIT = 60_000;
