/** Secrets that stand in documents and examples, ours and those that people copy from; without case and punctuation. */
const published = [
  'a secret for tests, of more than 32 bytes',
  'your-256-bit-secret',
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  'secret',
  'changeme',
  'change-me',
  'replace-me',
  'password',
  'example',
  'jwt-secret',
  'in-the-value',
];

/** Of random text of 32 bytes and more even hex has more than this. */
const distinctMin = 8;

/** Whether somebody could try such a secret without having seen it: one pattern again and again, or a known one. */
export function isGuessable(secret: string): boolean {
  const plain = plainOf(secret);
  return (
    new Set(secret).size < distinctMin ||
    repeatsItself(secret) ||
    repeatsItself(plain) ||
    isSequence(secret) ||
    published.some((known) => plain.replaceAll(plainOf(known), '').length < distinctMin)
  );
}

function plainOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** A text that stands in itself doubled, away from both ends, is something repeated. */
function repeatsItself(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period += 1) {
    if (text.startsWith(text.slice(period))) return true;
  }
  return false;
}

/** Steps of one from character to character, such as 0123456789abcdef…, nearly throughout. */
function isSequence(text: string): boolean {
  let steps = 0;
  for (let index = 1; index < text.length; index += 1) {
    if (Math.abs(text.charCodeAt(index) - text.charCodeAt(index - 1)) === 1) steps += 1;
  }
  return steps > text.length / 2;
}
