import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/value';

/** Whether a parsed body is what the contract says: for clients and tests that want to be sure of an answer. */
export function conforms<Schema extends TSchema>(schema: Schema, body: unknown): body is Static<Schema> {
  return Check(schema, body);
}
