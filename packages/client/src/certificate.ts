/** Not among the generated operations, which all answer JSON to be read: this answer is to be kept to the byte. */
export const certificateRoute = {
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/certificate',
} as const;

export const certificateForms = { dsse: 'application/vnd.dsse+json', jws: 'application/jose' } as const;
export type CertificateForm = keyof typeof certificateForms;
