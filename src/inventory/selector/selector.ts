/** One condition on a host; a selector is all of them together. */
export type Requirement =
  /** The tag is there and its value is among these. */
  | { readonly kind: "in"; readonly key: string; readonly values: readonly string[] }
  /** The tag is missing or its value is none of these, as in Kubernetes. */
  | { readonly kind: "notin"; readonly key: string; readonly values: readonly string[] }
  | { readonly kind: "exists"; readonly key: string }
  | { readonly kind: "missing"; readonly key: string };

/** A parsed selector: a host is selected when it meets every requirement. There is always at least one. */
export type Selector = readonly [Requirement, ...Requirement[]];

/** The one key that is no tag: a host's name, whose values may hold `*`. */
export const HOST_KEY = "@host";
