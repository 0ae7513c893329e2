/**
 * Works a value out once for each object and remembers it for as long as the object lives. Only for what follows from an
 * object that never changes: hosts share rules and lists of peers by the thousand.
 */
export function remember<Key extends object, Value>(workOut: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found.value;
    const value = workOut(key);
    known.set(key, { value });
    return value;
  };
}
