import { createHash } from 'node:crypto';
import type { Actor, Commands, PausedRotation, RetriedRotation } from '@rekey/commands';
import {
  cancelMessage,
  type ErrorCode,
  formatRotationId,
  pauseMessage,
  RetryHeaders,
  RotationHeaders,
  RotationParams,
  RotationResponse,
  resumeMessage,
  retryMessage,
  SteeringBody,
} from '@rekey/contract';
import type { RotationView } from '@rekey/control';
import type { Static } from 'typebox';
import { ApiError } from '../api-error.ts';
import { actorOf, type Caller, callerOf, identityOf } from '../auth/caller.ts';
import { findVisible } from '../find-visible.ts';
import { whoAndWhat } from '../request-log.ts';
import { rotationResponse } from '../rotation-json.ts';
import { type Route, route } from '../route.ts';

/** One of the ways to steer a rotation that is there: what differs between them. */
interface Way {
  readonly operationId: string;
  readonly verb: 'pause' | 'resume' | 'cancel' | 'retry';
  readonly summary: string;
  readonly description: string;
  readonly answer: string;
  readonly message: RotationResponse['message'];
  /** What the log says once it is done. */
  readonly done: string;
  readonly headers?: typeof RetryHeaders;
  readonly errors?: readonly ErrorCode[];
  readonly by: (commands: Commands, order: Order) => Promise<PausedRotation | RetriedRotation>;
}

interface Order {
  readonly actor: Actor;
  readonly caller: Caller;
  readonly view: RotationView;
  readonly given: { readonly rotationId: string; readonly reason?: string };
  readonly idempotencyKey: string | undefined;
}

function steering({ operationId, verb, message, errors = [], ...way }: Way): Route {
  const headers: typeof RotationHeaders | typeof RetryHeaders = way.headers ?? RotationHeaders;
  return route({
    operationId,
    method: 'POST',
    path: `/api/v1/admin/dek/rotations/{rotationId}/${verb}`,
    permission: 'by_role',
    tag: 'DEK rotation',
    summary: way.summary,
    description: way.description,
    request: { params: RotationParams, headers, body: SteeringBody, bodyOptional: true },
    answers: { 200: { description: way.answer, schema: RotationResponse } },
    errors: ['ROTATION_NOT_FOUND', 'ROTATION_FINISHED', ...errors],
    handler:
      ({ commands, status, logger }) =>
      async (call) => {
        const caller = callerOf(call.request);
        const view = await findVisible(status, call);
        const { 'idempotency-key': idempotencyKey }: Static<typeof RetryHeaders> = call.headers;
        const outcome = await way.by(commands, {
          actor: actorOf(caller),
          caller,
          view,
          given: { rotationId: view.id, ...call.body },
          idempotencyKey,
        });
        switch (outcome.kind) {
          case 'changed':
          case 'unchanged':
            // Nobody who polls here is told less from now on.
            status.told(outcome);
            if (outcome.kind === 'changed') logger.info(way.done, whoAndWhat(call.request));
            return 'answer' in outcome && outcome.answer !== null
              ? outcome.answer
              : rotationResponse(outcome.view, message, caller);
          case 'replayed':
            return outcome.answer;
          case 'in_progress':
            throw new ApiError('ROTATION_IN_PROGRESS', { rotationId: formatRotationId(outcome.rotationId) });
          case 'finished':
            throw new ApiError('ROTATION_FINISHED');
          case 'not_held_back':
            throw new ApiError('ROTATION_NOT_HELD_BACK');
          case 'superseded':
            throw new ApiError('ROTATION_SUPERSEDED');
          case 'idempotency_mismatch':
            throw new ApiError('IDEMPOTENCY_KEY_REUSED');
          case 'not_found':
            throw new ApiError('ROTATION_NOT_FOUND');
        }
      },
  });
}

/** Holds an unfinished rotation where it stands; the tenant stays taken. */
export const pauseRotation = steering({
  operationId: 'pauseRotation',
  verb: 'pause',
  summary: 'Pause an unfinished rotation',
  description:
    'Needs no body; a `reason` is kept with the event and shown while it is paused. True within one batch: nothing is planned, ' +
    'swept or proved until it is resumed, while applications read and write. Once the DEK was switched it stays so, and the ' +
    'older one drains. The tenant stays taken: a rotate call gets 409. One because of a compromised key is not paused (409). ' +
    'Repeated it answers 200',
  answer: 'The rotation, paused.',
  message: pauseMessage,
  done: 'rotation paused',
  errors: ['ROTATION_NOT_HELD_BACK'],
  by: (commands, { actor, given }) => commands.pauseRotation(actor, given),
});

/** Lets a paused rotation run again, from where it stands. */
export const resumeRotation = steering({
  operationId: 'resumeRotation',
  verb: 'resume',
  summary: 'Resume a paused rotation',
  description:
    'Needs no body; a `reason` is kept with the event. It goes on from where it stands. Repeated, or for one that runs, it ' +
    'answers 200',
  answer: 'The rotation, resumed.',
  message: resumeMessage,
  done: 'rotation resumed',
  by: (commands, { actor, given }) => commands.resumeRotation(actor, given),
});

/** Ends an unfinished rotation; everything stays readable, and the tenant is free. */
export const cancelRotation = steering({
  operationId: 'cancelRotation',
  verb: 'cancel',
  summary: 'Cancel an unfinished rotation',
  description:
    'Needs no body; a `reason` is kept with the event. Everything stays readable; records already re-encrypted stay so, and the next rotation sweeps ' +
    'whatever is left on older keys. Repeated it answers 200.',
  answer: 'The rotation, cancelled.',
  message: cancelMessage,
  done: 'rotation cancelled',
  by: (commands, { actor, given }) => commands.cancelRotation(actor, given),
});

/** Begins a new rotation that sweeps what this one left, to the same DEK. */
export const retryRotation = steering({
  operationId: 'retryRotation',
  verb: 'retry',
  summary: 'Sweep what a rotation left, without a new DEK',
  description:
    'For one that completed with failures, failed or was cancelled: a **new** rotation (`retryOf`) sweeps whatever is left on ' +
    'older keys to the DEK that this one switched to, and proves it like every rotation. This one never changes. Repeated it ' +
    'answers 200 with the same retry while that runs, and once that has left nothing. 409: `ROTATION_IN_PROGRESS` while this ' +
    'or another one of the tenant runs, `ROTATION_FINISHED` when this one left nothing, `ROTATION_SUPERSEDED` when the ' +
    "tenant's active DEK is not the one that it switched to, or it never switched. Needs no body; a `reason` is kept with the event.",
  answer: 'The new rotation.',
  message: retryMessage,
  done: 'rotation retried',
  headers: RetryHeaders,
  errors: ['ROTATION_IN_PROGRESS', 'ROTATION_SUPERSEDED', 'IDEMPOTENCY_KEY_REUSED'],
  by: (commands, { actor, caller, view, given, idempotencyKey: key }) =>
    commands.retryRotation(actor, {
      ...given,
      tenantId: view.tenantId,
      ...(key === undefined
        ? {}
        : {
            idempotency: {
              caller: identityOf(caller),
              key,
              bodyHash: createHash('sha256')
                .update(JSON.stringify({ retry: view.id, reason: given.reason }))
                .digest(),
              answer: (retry) => Buffer.from(JSON.stringify(rotationResponse(retry, retryMessage, caller))),
            },
          }),
    }),
});
