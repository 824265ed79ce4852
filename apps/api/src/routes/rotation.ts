import { NoQuery, RotationHeaders, RotationParams, rotationMessage } from '@rekey/contract';
import { callerOf } from '../auth/caller.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { findVisible } from '../find-visible.ts';
import type { Guards } from '../guards.ts';
import { answers, readErrors } from '../openapi-answers.ts';
import { rotationResponse } from '../rotation-json.ts';
import { validated } from '../validate.ts';
import { type ApiInstance, rotationPath } from './api-instance.ts';

/** `GET …/rotations/{rotationId}`: what clients poll. */
export function addRotationRoute(app: ApiInstance, guards: Guards, deps: ApiDependencies): void {
  const schema = { headers: RotationHeaders, querystring: NoQuery };
  app.get(
    rotationPath,
    {
      schema: { ...schema, params: RotationParams, ...documentation },
      onRequest: [...guards.read],
      preValidation: validated(schema),
    },
    async (request) => {
      const caller = callerOf(request);
      const view = await findVisible(deps, request, {
        rotationId: request.params.rotationId,
        tenantId: request.headers['x-tenantid'],
      });
      return rotationResponse(view, rotationMessage, caller);
    },
  );
}

const documentation = {
  operationId: 'getRotation',
  tags: ['DEK rotation'],
  summary: 'Follow a rotation',
  description: 'Cheap, made for polling. `percentComplete` never decreases, and is 100 only when done.',
  response: answers('Rotation', 'The rotation as it stands.', readErrors),
};
