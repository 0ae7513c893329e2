import { DroverError, failure } from "./errors.ts";

/**
 * Reads the manifest of one object of a host, as its own scripts wrote it; null where there is none. Throws a DroverError
 * when it is not what drover writes there.
 */
export function readManifest<Manifest>(
  path: string,
  text: string | undefined,
  isManifest: (value: unknown) => value is Manifest,
): Manifest | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (isManifest(value)) return value;
  } catch {
    // Told in the same words as any other file that is not ours.
  }
  const hint = `on that host: rm ${path}; then drover apply writes it anew, and what runs goes on`;
  throw new DroverError(failure("unknown-state", `${path} does not hold what drover writes there`, hint));
}

/** Whether a value has what manifests of whole files have: the model, and the hash of the file as it was installed. */
export function hasModel(value: unknown): value is { readonly sha256: string; readonly model: object } {
  return (
    typeof value === "object" &&
    value !== null &&
    "sha256" in value &&
    typeof value.sha256 === "string" &&
    "model" in value &&
    typeof value.model === "object" &&
    value.model !== null
  );
}
