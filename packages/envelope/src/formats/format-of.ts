import { EnvelopeError } from '../envelope-error.ts';
import { envelopeV1 } from './envelope-v1.ts';
import type { Format } from './format.ts';

/** Every format that this version reads and writes. The database has the same list: `rekey.sealed_bytes_max`. */
export const formats: readonly Format[] = [envelopeV1];

const byName = new Map(formats.map((format) => [format.name, format]));

/**
 * The format of a target, by its name.
 *
 * @throws EnvelopeError `UNKNOWN_FORMAT` for one of a later version
 */
export function formatOf(name: string): Format {
  const format = byName.get(name);
  if (format === undefined) throw new EnvelopeError('UNKNOWN_FORMAT', 'no format that this version knows');
  return format;
}
