import type { ErrorCode } from './errors.ts';

/** What whoever meets an error can do about it: on the page of the API, and in docs/http.md. */
export const errorRemedies = {
  INVALID_REQUEST:
    'Correct what `error.issues` names: each issue has the path of a field or header, and what is wrong with it. Repeating the same request changes nothing.',
  AUTHENTICATION_FAILED:
    'Fetch a new token. If a new one is refused too, look at its issuer, audience, `exp` and algorithm, and at `realmname`; the log says nothing more about it either.',
  INSUFFICIENT_PERMISSIONS:
    'Ask for a token with a role that may do this (the roles stand beside each operation), and whose tenant is the one concerned.',
  NOT_FOUND: 'Look at the path: letter case counts, and so does a slash at the end.',
  TENANT_NOT_FOUND:
    'Look at the tenant’s id. A tenant is made by `POST /api/v1/admin/tenants` (`rekey tenant create`) or by its application’s vault (`createTenant`).',
  ROTATION_NOT_FOUND:
    'Look at the id, and at `x-tenantid` if it was sent; rotations of tenants that the token may not see are answered like ones that are not there.',
  KEY_NOT_FOUND: 'Look at the id; the list of keys has those that the token may see.',
  KEK_NOT_FOUND: 'Name a KEK or template that stands in `KEKS` or `TENANT_KEKS` of a running worker.',
  REWRAP_NOT_FOUND: 'Look at the id; the list of rewraps has those that the token may see.',
  CAMPAIGN_NOT_FOUND: 'Look at the id; the list of campaigns has all of them.',
  CERTIFICATE_NOT_READY:
    'If the work has completed, ask again after `Retry-After` seconds; if that never helps, no worker has `SIGNING_KEY_URI`.',
  METHOD_NOT_ALLOWED: 'Use one of the methods in the `Allow` header.',
  NOT_ACCEPTABLE: 'Send `Accept: application/json`, or the type that the operation names, or none at all.',
  REQUEST_TIMEOUT: 'Send the whole request within 10 seconds; then repeat it.',
  ROTATION_IN_PROGRESS:
    'Follow the rotation that `error.rotationId` names; start another one once it has ended.',
  ROTATION_FINISHED:
    'Nothing is left to steer: read how it ended. For what it left, retry it or start a new rotation.',
  ROTATION_SUPERSEDED: 'Start a new rotation instead: it sweeps what this one left too.',
  DESTRUCTION_REFUSED:
    'Read the conditions of the key’s destruction: each says what it rests on. Make those that do not hold true, then ask again.',
  REWRAP_IN_PROGRESS: 'Wait for the rewrap that `error.rewrapId` names, or cancel it.',
  REWRAP_REFUSED:
    'Let every process that `error.issues` names use the new KEK (`KEK_URIS_UNWRAP_ONLY`, `KEKS`, its rights in the KMS), then ask again; or name a KEK that was not declared compromised.',
  REWRAP_FINISHED: 'Nothing is left to steer: read how it ended. For what it left, start a new rewrap.',
  CAMPAIGN_FINISHED: 'Nothing is left to steer: read how it ended. For whom it left, start a new one.',
  PAYLOAD_TOO_LARGE:
    'Send less: no operation needs more than 16 KiB, but for campaigns with a list of tenants (512 KiB).',
  UNSUPPORTED_MEDIA_TYPE:
    'Send `Content-Type: application/json`, the body in UTF-8, and no `Content-Encoding`.',
  IDEMPOTENCY_KEY_REUSED:
    'Take a new key for another request; to repeat the first one, send its body unchanged.',
  RATE_LIMITED: 'Wait as many seconds as `Retry-After` says, then repeat the request.',
  ROTATION_TOO_SOON:
    'Wait as many seconds as `Retry-After` says. `ROTATION_INTERVAL_MIN` decides; `super_admin` is not bound by it.',
  HEADERS_TOO_LARGE: 'Send fewer or shorter headers; a token of many KiB is what is mostly to blame.',
  INTERNAL_ERROR:
    'Repeat it once, if that can do no harm. Then give `requestId` to whoever runs the service: its log has the reason under it.',
  SERVICE_UNAVAILABLE:
    'Repeat it after `Retry-After` seconds; a POST with the same `Idempotency-Key`. What has begun goes on meanwhile.',
  CROSS_SITE_REQUEST: 'Call from the console’s own pages, or with a bearer token instead of a cookie.',
  LOGIN_TOO_OLD: 'Sign in again, then repeat it.',
  PLAN_NOT_FOUND: 'Look at the id, or make a new plan: plans are kept for 30 days.',
  PLAN_IN_PROGRESS: 'Wait for the plan that is being made; it is the same question.',
  PLAN_UNFINISHED: 'Wait until the plan is completed, or start the rotation without it.',
  TENANT_EXISTS: 'Take another id; the tenant that has this one keeps its name.',
  PLAN_USED: 'Make a new plan, or start the rotation without one.',
  ROTATION_NOT_HELD_BACK: 'Let it run: the key is known to others. Whoever may can cancel it.',
  COMPROMISE_REFUSED: 'Look at the key’s state: there is nothing under it to be rescued.',
  PRECONDITION_FAILED:
    'Read it again, see what was changed, and put yours with the new `ETag` in `If-Match`.',
  PRECONDITION_REQUIRED: 'Read it first, and send its `ETag` back in `If-Match`.',
  KEK_REFUSED:
    'Let every process that `error.issues` names use that KEK or template, then ask again; or name one that was not declared compromised.',
} as const satisfies Record<ErrorCode, string>;
