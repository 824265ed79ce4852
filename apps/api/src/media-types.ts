/**
 * Whether an `Accept` header admits application/json (RFC 9110, 12.5.1): the most specific range that matches
 * decides, and q=0 excludes. An absent or empty header admits everything.
 */
export function acceptsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  let best = { specificity: -1, quality: 0 };
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const specificity = jsonRanges.indexOf(type);
    if (specificity < 0) continue;
    const quality = qualityOf(parameters);
    if (specificity > best.specificity || (specificity === best.specificity && quality > best.quality)) {
      best = { specificity, quality };
    }
  }
  return best.quality > 0;
}

/** From the least to the most specific. */
const jsonRanges = ['*/*', 'application/*', 'application/json'];

function qualityOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  const value = weight.slice(2);
  return /^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : 0;
}

/** Whether a `Content-Type` header names JSON in UTF-8. */
export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && jsonType.test(contentType);
}

const jsonType = /^application\/json[ \t]*(;[ \t]*charset[ \t]*=[ \t]*("utf-?8"|utf-?8)[ \t]*)?;?[ \t]*$/i;
