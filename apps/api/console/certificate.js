const payloadType = 'application/vnd.in-toto+json';
const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://rekey.dev/attestations/rotation/v1';
const pinnedAt = 'rekey.pinned-keys';

/** Thumbprints of signing keys that somebody has compared by another way, in this browser. @returns {string[]} */
function pinned() {
  try {
    const list = JSON.parse(localStorage.getItem(pinnedAt) ?? '[]');
    return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** @param {string} thumbprint */
export function pin(thumbprint) {
  localStorage.setItem(pinnedAt, JSON.stringify([...new Set([...pinned(), thumbprint])]));
}

const bytesOf = (/** @type {string} */ base64) =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** RFC 7638, of an Ed25519 key: what a key is called is what it is. @param {{x: string}} key */
async function thumbprintOf({ x }) {
  const text = `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/**
 * Verifies a certificate (an in-toto statement in a DSSE envelope) here, in the browser. Throws the reason for which it is
 * refused. `trusted`: the key is one that was pinned; else it came from the server that gave the certificate, which proves that
 * the certificate is whole, and not who made it. @param {string} text @param {any[]} keys @param {string} rotationId
 */
export async function verify(text, keys, rotationId) {
  const envelope = JSON.parse(text);
  const [signature, ...more] = envelope.signatures;
  // A second signature, of another kind, is for verifiers that have its key.
  if (more.length > 1 || envelope.payloadType !== payloadType)
    throw new Error('It is signed as something else than a certificate.');
  const payload = bytesOf(envelope.payload);
  const head = new TextEncoder().encode(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `);
  const message = new Uint8Array([...head, ...payload]);
  const named = keys.filter((/** @type {any} */ { kid }) => kid === signature.keyid);
  const [key] = named;
  if (key === undefined) throw new Error('It names a signing key that nobody knows.');
  if ((await thumbprintOf(key)) !== key.kid)
    throw new Error('The signing key is not the one that it is called.');
  const imported = await crypto.subtle.importKey(
    'jwk',
    { kty: 'OKP', crv: 'Ed25519', x: key.x },
    'Ed25519',
    false,
    ['verify'],
  );
  if (!(await crypto.subtle.verify('Ed25519', imported, bytesOf(signature.sig), message)))
    throw new Error('The signature is not of this content: it was changed, or made by another key.');
  const statement = JSON.parse(new TextDecoder().decode(payload));
  const { predicate } = statement;
  // The same key may sign other things some day: what is valid as one of those is no certificate.
  if (
    statement._type !== statementType ||
    statement.predicateType !== predicateType ||
    predicate.schemaVersion !== 1
  )
    throw new Error('It is signed, and yet no certificate of a rotation that this page can read.');
  const signedAt = Date.parse(predicate.signedAt);
  if (Number.isNaN(signedAt)) throw new Error('It does not say when it was signed.');
  if (predicate.rotationId !== rotationId) throw new Error('It is about another rotation.');
  for (const { compromisedAt, retiredAt, notBefore } of named) {
    if (compromisedAt !== null)
      throw new Error('Its signing key is compromised: whoever has it can have written this.');
    if (retiredAt !== null && signedAt > Date.parse(retiredAt))
      throw new Error('It was signed after its key was retired.');
    if (signedAt < Date.parse(notBefore)) throw new Error('It was signed before its key was in use.');
  }
  return { kid: key.kid, trusted: pinned().includes(key.kid), statement };
}
