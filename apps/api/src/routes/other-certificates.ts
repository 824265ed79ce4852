import { KeyParams, RewrapParams, RotationHeaders } from '@rekey/contract';
import { bareCertificate, ofCertificate } from '../certificate-answer.ts';
import { findVisibleKey } from '../find-visible-key.ts';
import { route } from '../route.ts';
import { findVisibleRewrap } from './rewraps.ts';

export const getRewrapCertificate = route({
  operationId: 'getRewrapCertificate',
  method: 'GET',
  path: '/api/v1/admin/kek/rewraps/{rewrapId}/certificate',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'Fetch the signed certificate of a completed rewrap',
  ...ofCertificate,
  request: { params: RewrapParams, headers: RotationHeaders },
  errors: ['REWRAP_NOT_FOUND', 'CERTIFICATE_NOT_READY'],
  handler:
    ({ keys }) =>
    async (call) => {
      const { id: subject } = await findVisibleRewrap(keys, call);
      return bareCertificate(call, await keys.certificate({ kind: 'rewrap', subject }));
    },
});

export const getDestructionCertificate = route({
  operationId: 'getDestructionCertificate',
  method: 'GET',
  path: '/api/v1/admin/keys/{keyId}/destruction/certificate',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'Fetch the signed certificate of the destruction of a key',
  ...ofCertificate,
  request: { params: KeyParams, headers: RotationHeaders },
  errors: ['KEY_NOT_FOUND', 'CERTIFICATE_NOT_READY'],
  handler:
    ({ keys }) =>
    async (call) => {
      const { id: subject } = await findVisibleKey(keys, call);
      return bareCertificate(call, await keys.certificate({ kind: 'destruction', subject }));
    },
});
