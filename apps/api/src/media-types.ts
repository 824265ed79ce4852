/**
 * Of the types that can be answered the one that is liked best, and of those the first; null: none is accepted. Of the
 * ranges of an `Accept` header that match (RFC 9110, 12.5.1) the most specific decides, and q=0 excludes; without it
 * everything is accepted.
 */
export function chooseType(accept: string | undefined, offered: readonly string[]): string | null {
  if (accept !== undefined && offered.includes(accept)) return accept;
  let chosen: string | null = null;
  let most = 0;
  for (const type of offered) {
    const quality = qualityFor(type, accept);
    if (quality > most) [chosen, most] = [type, quality];
  }
  return chosen;
}

function qualityFor(offered: string, accept: string | undefined): number {
  if (accept === undefined || accept.trim() === '') return 1;
  // From the least to the most specific.
  const ranges = ['*/*', offered.replace(/\/.*/, '/*'), offered];
  let best = { specificity: -1, quality: 0 };
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const specificity = ranges.indexOf(type);
    if (specificity < 0) continue;
    const quality = qualityOf(parameters);
    if (specificity > best.specificity || (specificity === best.specificity && quality > best.quality)) {
      best = { specificity, quality };
    }
  }
  return best.quality;
}

function qualityOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  const value = weight.slice(2);
  return /^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0;
}

/**
 * Whether a `Content-Type` header names JSON in UTF-8. Cut at its semicolons and compared part by part: an expression
 * over the whole that lets two runs of blanks meet takes time with the square of their length.
 */
export function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType.length > contentTypeMax) return false;
  const [type, parameter, ...more] = contentType.split(';').map((part) => trimBlanks(part).toLowerCase());
  if (type !== 'application/json' || more.some((part) => part !== '') || more.length > 1) return false;
  if (parameter === undefined || parameter === '') return more.length === 0;
  const [name = '', value = '', ...rest] = parameter.split('=').map(trimBlanks);
  return name === 'charset' && rest.length === 0 && utf8Names.has(value);
}

/** Longer than any that names JSON in UTF-8, with room for blanks. */
const contentTypeMax = 256;
const utf8Names: ReadonlySet<string> = new Set(['utf-8', 'utf8', '"utf-8"', '"utf8"']);

/** Blanks as HTTP knows them: `trim` would take a no-break space for one. */
function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}
