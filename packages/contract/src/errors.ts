import Type, { type Static } from 'typebox';
import { errorTable } from './error-table.ts';
import { Timestamp } from './ids.ts';

export { errorTable };

export type ErrorCode = keyof typeof errorTable;

const errorCodes = Object.keys(errorTable);

/** How many issues one answer lists at most. */
export const issuesMax = 20;

export const Issue = Type.Object(
  {
    path: Type.String({ maxLength: 100, description: 'Such as body.tenantId or headers.x-tenantid.' }),
    message: Type.String({ maxLength: 200 }),
  },
  { additionalProperties: false },
);
export type Issue = Static<typeof Issue>;

export const ErrorResponse = Type.Object(
  {
    success: Type.Literal(false),
    message: Type.String(),
    error: Type.Object(
      {
        code: Type.Enum(errorCodes),
        detail: Type.String(),
        rotationId: Type.Optional(
          Type.String({ description: 'With ROTATION_IN_PROGRESS: the one that runs.', pattern: '^rot-' }),
        ),
        rewrapId: Type.Optional(
          Type.String({ description: 'With REWRAP_IN_PROGRESS: the one in the way.', pattern: '^rewrap-' }),
        ),
        planId: Type.Optional(
          Type.String({ description: 'With PLAN_IN_PROGRESS: the unfinished one.', pattern: '^plan-' }),
        ),
        issues: Type.Optional(
          Type.Array(Issue, {
            maxItems: issuesMax,
            description:
              'With INVALID_REQUEST everything that is wrong, with TENANT_NOT_FOUND of a campaign which ids, with DESTRUCTION_REFUSED which conditions, with REWRAP_REFUSED and KEK_REFUSED everybody in the way.',
          }),
        ),
      },
      { additionalProperties: false },
    ),
    timestamp: Timestamp,
    requestId: Type.String({ description: 'Also in the x-request-id response header, and in our log.' }),
  },
  { $id: 'Error', additionalProperties: false },
);

/** The JSON of an error answer; `code` decides all of its words. */
export interface ErrorBody {
  readonly success: false;
  readonly message: string;
  readonly error: {
    readonly code: ErrorCode;
    readonly detail: string;
    readonly rotationId?: string;
    readonly rewrapId?: string;
    readonly planId?: string;
    readonly issues?: readonly Issue[];
  };
  readonly timestamp: string;
  readonly requestId: string;
}
