import type { KmsError } from '../kms-error.ts';

/** Whether nobody on the way can read or change what goes there: TLS, or no way at all. */
export function isSafe({ protocol, hostname }: URL): boolean {
  const isHere = /^(127(\.[0-9]{1,3}){3}|localhost|\[::1\])$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isHere);
}

/** Of http or https with nothing in its host that stands for something else, and no userinfo. */
const plainUrl = /^https?:\/\/(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:\/[!-~]*)?$/;

/** Of a query that may say where a KMS is, and nothing else. What is wrong is thrown as `invalid` makes it. */
export function endpointIn(query: string, form: string, invalid: (why: string) => KmsError): URL {
  const parameters = [...new URLSearchParams(query)];
  const [first] = parameters;
  if (first === undefined || parameters.length > 1 || first[0] !== 'endpoint')
    throw invalid(`it must be ${form}`);
  // By its text: what a URL parser would mend (escapes, tabs, `\\`, a zone) is refused.
  const url = plainUrl.test(first[1]) ? URL.parse(first[1]) : null;
  if (url === null || !isSafe(url))
    throw invalid('its endpoint must be an https:// URL, or http:// of this machine');
  return url;
}
