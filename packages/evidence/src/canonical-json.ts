/** RFC 8785, of what stands in statements: strings, integers, booleans, null, arrays and plain objects. */
export function canonicalJson(value: unknown): string {
  return canonical(value, integer);
}

/** The same with any number, for what somebody else wrote: it has a form, even where it should not stand. */
export function canonicalOfAny(value: unknown): string {
  return canonical(value, (number) => JSON.stringify(number));
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError('Only integers up to 2^53 stand in statements');
  return JSON.stringify(value);
}

function canonical(value: unknown, numberText: (number: number) => string): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError('A text with half a character has no canonical form');
    return JSON.stringify(value);
  }
  if (typeof value === 'number') return numberText(value);
  const inner = (member: unknown): string => canonical(member, numberText);
  if (Array.isArray(value)) return `[${value.map(inner).join(',')}]`;
  if (typeof value === 'object') {
    // By UTF-16 units, which is how sort() compares.
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, entry]) => `${JSON.stringify(name)}:${inner(entry)}`).join(',')}}`;
  }
  throw new TypeError(`A ${typeof value} has no JSON`);
}
