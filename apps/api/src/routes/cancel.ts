import type { CancelledRotation } from '@rekey/commands';
import { CancelBody, cancelMessage, NoQuery, RotationHeaders, RotationParams } from '@rekey/contract';
import type { RotationView } from '@rekey/control';
import { ApiError } from '../api-error.ts';
import { actorOf, callerOf } from '../auth/caller.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { findVisible } from '../find-visible.ts';
import type { Guards } from '../guards.ts';
import { answers, readErrors } from '../openapi-answers.ts';
import { whoAndWhat } from '../request-log.ts';
import { rotationResponse } from '../rotation-json.ts';
import { validated } from '../validate.ts';
import { type ApiInstance, rotationPath } from './api-instance.ts';

/** `POST …/cancel`: ends an unfinished rotation; everything stays readable, and the tenant is free. */
export function addCancelRoute(app: ApiInstance, guards: Guards, deps: ApiDependencies): void {
  const schema = { headers: RotationHeaders, querystring: NoQuery, body: CancelBody };
  app.post(
    `${rotationPath}/cancel`,
    {
      schema: { headers: schema.headers, querystring: NoQuery, params: RotationParams, ...documentation },
      config: { bodyOptional: true },
      onRequest: [...guards.write],
      preValidation: validated(schema),
    },
    async (request) => {
      const caller = callerOf(request);
      const { id } = await findVisible(deps, request, {
        rotationId: request.params.rotationId,
        tenantId: request.headers['x-tenantid'],
      });
      const outcome = await deps.commands.cancelRotation(actorOf(caller), { rotationId: id });
      if (outcome.kind === 'cancelled') deps.status.told(outcome);
      const view = cancelledView(outcome);
      deps.logger.info('rotation cancelled', whoAndWhat(request));
      return rotationResponse(view, cancelMessage, caller);
    },
  );
}

function cancelledView(outcome: CancelledRotation): RotationView {
  switch (outcome.kind) {
    case 'cancelled':
      return outcome.view;
    case 'finished':
      throw new ApiError('ROTATION_FINISHED');
    case 'not_found':
      throw new ApiError('ROTATION_NOT_FOUND');
  }
}

const documentation = {
  operationId: 'cancelRotation',
  tags: ['DEK rotation'],
  summary: 'Cancel an unfinished rotation',
  description:
    'Needs no body. Everything stays readable; records already re-encrypted stay so, and the next rotation sweeps ' +
    'whatever is left on older keys.',
  response: answers('Rotation', 'The rotation, cancelled.', [
    ...readErrors,
    'ROTATION_FINISHED',
    'PAYLOAD_TOO_LARGE',
    'UNSUPPORTED_MEDIA_TYPE',
  ]),
};
