/**
 * What a terminal obeys instead of showing it: C0 and C1 controls (escape sequences begin with one), what turns the
 * direction of writing, what ends a line, and what cannot be seen, so that two names look like one; but for what joins and parts
 * letters, and chooses between their forms, as names of some languages need it.
 */
const unsafe =
  /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}[\p{Default_Ignorable_Code_Point}--[\u{200C}\u{200D}\u{FE00}-\u{FE0F}]]]/gv;

/** Text of others, as it may be shown. */
export function clean(text: string): string {
  return text.replace(unsafe, '');
}

/** JSON that is shown safely and loses nothing. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value).replace(unsafe, (found) =>
    Array.from(
      { length: found.length },
      (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
