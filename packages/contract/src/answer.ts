import { type TSchema, Type } from 'typebox';
import { Timestamp } from './ids.ts';

/** What surrounds every answer that is no error, as the contract has it; `$id` names it in the document. */
export function answer<Message extends TSchema, Data extends TSchema>(
  $id: string,
  message: Message,
  data: Data,
  options: { readonly description?: string; readonly examples?: readonly unknown[] } = {},
) {
  return Type.Object(
    { success: Type.Literal(true), message, data, timestamp: Timestamp },
    { $id, additionalProperties: false, ...options },
  );
}
