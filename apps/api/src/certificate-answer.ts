import type { KeptCertificate } from '@rekey/control';
import { answerWith, bundleOf, bundleType } from '@rekey/evidence';
import Type from 'typebox';
import { ApiError } from './api-error.ts';
import { chooseType } from './media-types.ts';
import type { Call } from './route.ts';

const jose = 'application/jose';
const forms = ['application/vnd.dsse+json', jose, bundleType] as const;

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

const Bundle = Type.Object({
  mediaType: Type.Literal(bundleType),
  verificationMaterial: Type.Object({
    publicKey: Type.Object({
      hint: Type.String({ description: 'The key, as `keyid` in the bare envelope.' }),
    }),
    timestampVerificationData: Type.Optional(
      Type.Object(
        {
          rfc3161Timestamps: Type.Array(
            Type.Object({
              signedTimestamp: Type.String({
                description: 'In Base64 an answer of RFC 3161: a time stamp over the bytes of the signature.',
              }),
            }),
          ),
        },
        { description: 'Not there until a worker has had the signature stamped, where one does.' },
      ),
    ),
  }),
  dsseEnvelope: Type.Object({
    payload: Type.String(),
    payloadType: Type.String(),
    signatures: Type.Array(Type.Object({ sig: Type.String() })),
  }),
});
const bundleExample = {
  mediaType: bundleType,
  verificationMaterial: { publicKey: { hint: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k' } },
  dsseEnvelope: { ...dsseExample, signatures: [{ sig: 'c2lnbmF0dXJl' }] },
};

/** What all routes that serve a certificate have in common. */
export const ofCertificate = {
  description:
    "An in-toto Statement in a DSSE envelope, or the same as compact JWS. It never changes. As Sigstore's bundle the envelope comes " +
    'with a time stamp over its signature, once there is one.',
  mediaTypes: [...forms] as [string, ...string[]],
  answers: {
    200: {
      description: 'The certificate.',
      schema: Type.String(),
      media: {
        'application/vnd.dsse+json': { schema: Dsse, example: dsseExample },
        [jose]: { example: 'eyJhbGciOiJFZERTQSJ9.eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pbyJ9.c2lnbmF0dXJl' },
        [bundleType]: { schema: Bundle, example: bundleExample },
      },
    },
  },
};

/** The very bytes that were signed, bare: whoever keeps the answer has the file. */
export function bareCertificate(
  { request, reply }: Pick<Call, 'request' | 'reply'>,
  certificate: KeptCertificate | null,
): string {
  if (certificate === null) throw new ApiError('CERTIFICATE_NOT_READY');
  const type = chooseType(request.headers.accept, forms) ?? forms[0];
  reply.type(type).header('vary', 'accept');
  const { dsse, jws, stamp } = certificate;
  if (type === bundleType) return bundleOf(dsse, stamp === null ? null : answerWith(stamp));
  return type === jose ? jws : dsse;
}
