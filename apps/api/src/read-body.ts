/** Stands where the body should be when its bytes are no JSON, so that the other issues can be listed with it. */
export const malformedBody = Symbol('malformed body');

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body as JSON; undefined when there is none. Never throws. */
export function readBody(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    return malformedBody;
  }
}
