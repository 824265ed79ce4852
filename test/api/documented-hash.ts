import { createHash } from 'node:crypto';

/** As documented, from nothing but what was answered. */
export function hashOf(event: Record<string, unknown>): string {
  const canonical = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
  };
  const hash = createHash('sha256');
  const { version, chain, sequence, at, kind, actor, databaseRole, rotationId, payload, previous } = event;
  const fields = ['rekey event', version, chain, sequence, at, kind, canonical(actor), databaseRole];
  for (const field of [...fields, rotationId ?? '', canonical(payload), Buffer.from(`${previous}`, 'hex')]) {
    const bytes = Buffer.isBuffer(field) ? field : Buffer.from(String(field));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}
