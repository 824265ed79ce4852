import { isUtf8 } from 'node:buffer';

/** Begins what no text can hold as it is. An answer that this program or an earlier one made of itself begins with `{`. */
const encoded = 'base64:';

/**
 * The text as which an answer is kept. The column is one of text: versions before this one replay from it, and an answer that
 * is UTF-8 stands there as they would have kept it. Two answers never have the same text, and none has an empty one, which
 * stands for a call that has no answer yet.
 */
export function keptAnswer(answer: Uint8Array): string {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  // The one character that Postgres keeps in no text is NUL.
  const isPlain = bytes.length > 0 && !bytes.includes(0) && isUtf8(bytes);
  const text = isPlain ? bytes.toString('utf8') : '';
  return isPlain && !text.startsWith(encoded) ? text : encoded + bytes.toString('base64');
}

/** The very bytes that {@link keptAnswer} was given; of an earlier version's text its UTF-8. */
export function answerOf(kept: string): Buffer {
  return kept.startsWith(encoded)
    ? Buffer.from(kept.slice(encoded.length), 'base64')
    : Buffer.from(kept, 'utf8');
}
