/** Not among the generated operations, which all answer JSON to be read: this answer is to be kept to the byte. */
export const certificateRoutes = {
  getRotationCertificate: { method: 'GET', path: '/api/v1/admin/dek/rotations/{rotationId}/certificate' },
  getRewrapCertificate: { method: 'GET', path: '/api/v1/admin/kek/rewraps/{rewrapId}/certificate' },
  getDestructionCertificate: { method: 'GET', path: '/api/v1/admin/keys/{keyId}/destruction/certificate' },
} as const;

/** What an id is of: a rewrap, a key, for which the certificate is that of its destruction, or else a rotation. */
export function certificateOf(id: string): {
  readonly operation: keyof typeof certificateRoutes;
  readonly path: Readonly<Record<string, string>>;
} {
  if (id.startsWith('rewrap-')) return { operation: 'getRewrapCertificate', path: { rewrapId: id } };
  if (id.startsWith('dek-')) return { operation: 'getDestructionCertificate', path: { keyId: id } };
  return { operation: 'getRotationCertificate', path: { rotationId: id } };
}

export const certificateForms = {
  dsse: 'application/vnd.dsse+json',
  jws: 'application/jose',
  /** The first in a Sigstore bundle, with a time stamp over its signature once there is one. */
  bundle: 'application/vnd.dev.sigstore.bundle.v0.3+json',
} as const;
export type CertificateForm = keyof typeof certificateForms;
