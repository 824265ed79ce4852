import { RotationHeaders, RotationParams } from '@rekey/contract';
import Type from 'typebox';
import { ApiError } from '../api-error.ts';
import { findVisible } from '../find-visible.ts';
import { chooseType } from '../media-types.ts';
import { route } from '../route.ts';

const jose = 'application/jose';
const mediaTypes = ['application/vnd.dsse+json', jose] as const;

/** As programs that verify such envelopes know it. */
const Dsse = Type.Object({
  payload: Type.String({ description: 'The statement, in Base64.' }),
  payloadType: Type.String(),
  signatures: Type.Array(Type.Object({ keyid: Type.String(), sig: Type.String() })),
});
const dsseExample = {
  payload: 'eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ==',
  payloadType: 'application/vnd.in-toto+json',
  signatures: [{ keyid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', sig: 'c2lnbmF0dXJl' }],
};

/** The very bytes that were signed, bare: whoever keeps the answer has the file. */
export const getRotationCertificate = route({
  operationId: 'getRotationCertificate',
  method: 'GET',
  path: '/api/v1/admin/dek/rotations/{rotationId}/certificate',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'Fetch the signed certificate of a completed rotation',
  description: 'An in-toto Statement in a DSSE envelope, or the same as compact JWS. It never changes.',
  mediaTypes: [...mediaTypes],
  request: { params: RotationParams, headers: RotationHeaders },
  answers: {
    200: {
      description: 'The certificate.',
      schema: Type.String(),
      media: {
        'application/vnd.dsse+json': { schema: Dsse, example: dsseExample },
        [jose]: { example: 'eyJhbGciOiJFZERTQSJ9.eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pbyJ9.c2lnbmF0dXJl' },
      },
    },
  },
  errors: ['ROTATION_NOT_FOUND', 'CERTIFICATE_NOT_READY'],
  handler:
    ({ rotations, status }) =>
    async (call) => {
      const view = await findVisible(status, call);
      const certificate = await rotations.certificate(view.id);
      if (certificate === null) throw new ApiError('CERTIFICATE_NOT_READY');
      const type = chooseType(call.request.headers.accept, mediaTypes) ?? mediaTypes[0];
      call.reply.type(type).header('vary', 'accept');
      return type === jose ? certificate.jws : certificate.dsse;
    },
});
