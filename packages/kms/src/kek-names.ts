/** What a line or an entry of a list of named KEKs is: `name=uri`. */
export interface NamedUri {
  readonly name: string;
  readonly uri: string;
}

const entry = /^([a-z][a-z0-9-]{0,62})=([a-z][a-z0-9+-]*:.+)$/;

/**
 * KEKs by name, each as `name=uri`, separated by commas or line ends. A URI holds neither. Null where it is anything else, or
 * where a name comes twice.
 */
export function parseKekNames(text: string): NamedUri[] | null {
  const named: NamedUri[] = [];
  for (const part of text.split(/[,\r\n]/)) {
    if (part.trim() === '') continue;
    const [, name, uri] = entry.exec(part.trim()) ?? [];
    if (name === undefined || uri === undefined || named.some((other) => other.name === name)) return null;
    named.push({ name, uri });
  }
  return named;
}
