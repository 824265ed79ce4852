/** A path as it is written; undefined: it is none. */
export function hashesOf(value: unknown): Buffer[] | undefined {
  if (!Array.isArray(value) || value.length > 64) return undefined;
  const hashes = value.map((text) => Buffer.from(typeof text === 'string' ? text : '', 'base64'));
  return hashes.every((hash) => hash.length === 32) ? hashes : undefined;
}
