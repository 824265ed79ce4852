const prefix = '/console/api/v1/admin';

/** An answer that is an error, in the words of the API. */
class Problem extends Error {
  /** @param {number} status @param {{code: string, detail: string, planId?: string, issues?: {path: string, message: string}[]}} error */
  constructor(status, error) {
    super(error.detail);
    this.status = status;
    this.code = error.code;
    this.planId = error.planId ?? null;
    this.issues = error.issues ?? [];
  }
}

/** @param {string} path @param {RequestInit} init */
async function call(path, init) {
  const response = await fetch(path, { ...init, redirect: 'error' }).catch(() => null);
  if (response === null)
    throw new Problem(0, {
      code: 'NO_ANSWER',
      detail: 'The API does not answer. What is shown here may be old.',
    });
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  if (response.ok)
    return isJson && !/dsse/.test(response.headers.get('content-type') ?? '')
      ? response.json()
      : response.text();
  const body = isJson ? await response.json() : null;
  throw new Problem(
    response.status,
    body?.error ?? { code: 'UNEXPECTED', detail: `HTTP ${response.status}` },
  );
}

/** @param {Record<string, string | number | null | undefined>} query */
export function search(query) {
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

/** Reads an operation. `background`: nobody asked for it just now. @param {string} path @param {boolean} [background] */
export async function read(path, background = false) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' };
  if (background) headers['x-rekey-background'] = '1';
  return (await call(`${prefix}${path}`, { headers })).data;
}

/** @param {string} path @param {string} accept */
export const readAs = (path, accept) => call(`${prefix}${path}`, { headers: { accept } });

/**
 * `background`: as of `read`.
 * @param {{method: string, path: string, body?: object, headers?: Record<string, string>}} order @param {boolean} [background]
 */
export async function send({ method, path, body, headers = {} }, background = false) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  /** @type {Record<string, string>} */
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  if (background) type['x-rekey-background'] = '1';
  return (await call(`${prefix}${path}`, { method, headers: { ...type, ...headers }, ...sent })).data;
}

export const session = {
  read: async () => (await call('/console/session', {})).data,
  /** @param {string} token @param {string} realm */
  open: (token, realm) =>
    call('/console/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, realm }),
    }),
  close: () => call('/console/session', { method: 'DELETE' }),
};

/** The public keys that sign certificates: from this very server. */
export const signingKeys = async () => (await call('/.well-known/jwks.json', {})).keys;

/** @param {string} rotationId */
export const eventsUrl = (rotationId) => `${prefix}/dek/rotations/${rotationId}/events`;
/** @param {Record<string, string | number | null | undefined>} query */
export const exportUrl = (query) => `${prefix}/audit/export${search(query)}`;
