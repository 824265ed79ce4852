interface ErrorText {
  readonly status: number;
  readonly message: string;
  readonly detail: string;
}

/** Every error that a client can meet: the status, and the two sentences it reads. Nothing else reaches it. */
export const errorTable = {
  INVALID_REQUEST: {
    status: 400,
    message: 'Invalid request body',
    detail: 'A field or header is missing, malformed or unknown; error.issues lists each.',
  },
  AUTHENTICATION_FAILED: {
    status: 401,
    message: 'Authentication failed',
    detail: 'A valid bearer token of an admitted realm is required.',
  },
  INSUFFICIENT_PERMISSIONS: {
    status: 403,
    message: 'Insufficient permissions',
    detail: 'The token does not permit this for this tenant.',
  },
  CROSS_SITE_REQUEST: {
    status: 403,
    message: 'Cross-site request',
    detail: 'With a cookie only the pages of the console itself may call.',
  },
  LOGIN_TOO_OLD: {
    status: 403,
    message: 'Log-in too old',
    detail: 'This needs a log-in at most five minutes old: sign in again, then repeat it.',
  },
  NOT_FOUND: { status: 404, message: 'Not found', detail: 'There is no such route.' },
  TENANT_NOT_FOUND: { status: 404, message: 'Tenant not found', detail: 'There is no such tenant.' },
  ROTATION_NOT_FOUND: {
    status: 404,
    message: 'Rotation not found',
    detail: 'There is no such rotation that you may see.',
  },
  PLAN_NOT_FOUND: {
    status: 404,
    message: 'Plan not found',
    detail: 'There is no such plan that you may see; plans are kept for 30 days.',
  },
  KEY_NOT_FOUND: { status: 404, message: 'Key not found', detail: 'There is no such key that you may see.' },
  KEK_NOT_FOUND: {
    status: 404,
    message: 'KEK not found',
    detail: 'No configuration of a worker names such a KEK.',
  },
  REWRAP_NOT_FOUND: {
    status: 404,
    message: 'Rewrap not found',
    detail: 'There is no such rewrap that you may see.',
  },
  CAMPAIGN_NOT_FOUND: {
    status: 404,
    message: 'Campaign not found',
    detail: 'There is no such campaign.',
  },
  CERTIFICATE_NOT_READY: {
    status: 404,
    message: 'Certificate not ready',
    detail:
      'There is no certificate: a worker with a signing key makes one within seconds of a completed rotation or rewrap, or of a destruction, and none of what failed or was cancelled.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'Method not allowed',
    detail: 'The Allow header lists the methods of this route.',
  },
  NOT_ACCEPTABLE: {
    status: 406,
    message: 'Not acceptable',
    detail:
      'The Accept header excludes what can be answered, application/json unless the document says otherwise.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: 'Request timeout',
    detail: 'The request did not arrive in time.',
  },
  ROTATION_IN_PROGRESS: {
    status: 409,
    message: 'Rotation in progress',
    detail: 'A DEK rotation is already in progress for this tenant.',
  },
  ROTATION_FINISHED: {
    status: 409,
    message: 'Rotation finished',
    detail: 'The rotation has already ended and never changes again.',
  },
  ROTATION_SUPERSEDED: {
    status: 409,
    message: 'Rotation superseded',
    detail:
      "The tenant's active DEK is not the one that this rotation switched to; start a rotation instead.",
  },
  TENANT_EXISTS: {
    status: 409,
    message: 'Tenant exists',
    detail: 'There is a tenant of this id, by another name.',
  },
  PLAN_IN_PROGRESS: {
    status: 409,
    message: 'Plan in progress',
    detail: 'A plan of this tenant is unfinished.',
  },
  PLAN_UNFINISHED: {
    status: 409,
    message: 'Plan unfinished',
    detail: 'No rotation can be started with this plan: it is not completed.',
  },
  PLAN_USED: {
    status: 409,
    message: 'Plan used',
    detail: 'Another rotation was started with this plan; make a new one.',
  },
  ROTATION_NOT_HELD_BACK: {
    status: 409,
    message: 'Rotation not held back',
    detail:
      'A rotation because of a compromised key is neither paused nor slowed down; whoever may can cancel it.',
  },
  COMPROMISE_REFUSED: {
    status: 409,
    message: 'Compromise refused',
    detail: 'The key was never in use or is destroyed, so nothing protected by it can be known to others.',
  },
  KEK_REFUSED: {
    status: 409,
    message: 'KEK refused',
    detail:
      'Not every live process has proved that it can use this KEK, or it was declared compromised; error.issues says which.',
  },
  DESTRUCTION_REFUSED: {
    status: 409,
    message: 'Destruction refused',
    detail: 'A condition does not hold or is not known to hold; error.issues names each.',
  },
  REWRAP_IN_PROGRESS: {
    status: 409,
    message: 'Rewrap in progress',
    detail: 'A rewrap of these DEKs, or of some of them, is unfinished.',
  },
  REWRAP_REFUSED: {
    status: 409,
    message: 'Rewrap refused',
    detail:
      'Not every live process has proved that it can use this KEK, or it was declared compromised; error.issues says which.',
  },
  REWRAP_FINISHED: {
    status: 409,
    message: 'Rewrap finished',
    detail: 'The rewrap has already ended and never changes again.',
  },
  PRECONDITION_FAILED: {
    status: 412,
    message: 'Precondition failed',
    detail: 'It was changed since it was read: another version stands than If-Match names.',
  },
  CAMPAIGN_FINISHED: {
    status: 409,
    message: 'Campaign finished',
    detail: 'The campaign has already ended and never changes again.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    message: 'Payload too large',
    detail: 'The body exceeds 16 KiB, or 512 KiB where it may hold many ids.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    message: 'Unsupported media type',
    detail: 'The body must be application/json in UTF-8, without a content-encoding.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: 'Idempotency key reused',
    detail: 'This Idempotency-Key was used with another request body in the last 24 hours.',
  },
  PRECONDITION_REQUIRED: {
    status: 428,
    message: 'Precondition required',
    detail: 'If-Match must name the version that is to be replaced.',
  },
  RATE_LIMITED: { status: 429, message: 'Too many requests', detail: 'Try again after Retry-After seconds.' },
  ROTATION_TOO_SOON: {
    status: 429,
    message: 'Rotation too soon',
    detail: "The tenant's last rotation ended too short a time ago; try again after Retry-After seconds.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: 'Request header fields too large',
    detail: 'The headers exceed 16 KiB.',
  },
  INTERNAL_ERROR: { status: 500, message: 'Server error', detail: 'The request could not be completed.' },
  SERVICE_UNAVAILABLE: {
    status: 503,
    message: 'Service unavailable',
    detail: 'A service this one depends on is away; try again after Retry-After seconds.',
  },
} as const satisfies Record<string, ErrorText>;
