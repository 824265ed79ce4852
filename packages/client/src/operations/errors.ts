// Written by `npm run openapi` from docs/openapi.json: edit the routes of the API instead.

/** What each error says. */
export const errorTexts = {
  INVALID_REQUEST: { message: 'Invalid request body', detail: 'A field or header is missing, malformed or unknown; error.issues lists each.' },
  AUTHENTICATION_FAILED: { message: 'Authentication failed', detail: 'A valid bearer token of an admitted realm is required.' },
  INSUFFICIENT_PERMISSIONS: { message: 'Insufficient permissions', detail: 'The token does not permit this for this tenant.' },
  NOT_FOUND: { message: 'Not found', detail: 'There is no such route.' },
  TENANT_NOT_FOUND: { message: 'Tenant not found', detail: 'There is no such tenant.' },
  ROTATION_NOT_FOUND: { message: 'Rotation not found', detail: 'There is no such rotation that you may see.' },
  KEY_NOT_FOUND: { message: 'Key not found', detail: 'There is no such key that you may see.' },
  KEK_NOT_FOUND: { message: 'KEK not found', detail: 'No configuration of a worker names such a KEK.' },
  REWRAP_NOT_FOUND: { message: 'Rewrap not found', detail: 'There is no such rewrap that you may see.' },
  CERTIFICATE_NOT_READY: { message: 'Certificate not ready', detail: 'There is no certificate: a worker with a signing key makes one within seconds of a completed rotation, and none of one that failed or was cancelled.' },
  METHOD_NOT_ALLOWED: { message: 'Method not allowed', detail: 'The Allow header lists the methods of this route.' },
  NOT_ACCEPTABLE: { message: 'Not acceptable', detail: 'The Accept header excludes what can be answered, application/json unless the document says otherwise.' },
  REQUEST_TIMEOUT: { message: 'Request timeout', detail: 'The request did not arrive in time.' },
  ROTATION_IN_PROGRESS: { message: 'Rotation in progress', detail: 'A DEK rotation is already in progress for this tenant.' },
  ROTATION_FINISHED: { message: 'Rotation finished', detail: 'The rotation has already ended and never changes again.' },
  ROTATION_SUPERSEDED: { message: 'Rotation superseded', detail: 'The tenant\'s active DEK is not the one that this rotation switched to; start a rotation instead.' },
  DESTRUCTION_REFUSED: { message: 'Destruction refused', detail: 'A condition does not hold or is not known to hold; error.issues names each.' },
  REWRAP_IN_PROGRESS: { message: 'Rewrap in progress', detail: 'A rewrap of these DEKs, or of some of them, is unfinished.' },
  REWRAP_REFUSED: { message: 'Rewrap refused', detail: 'Not every live process has proved that it can use this KEK; error.issues names those that have not.' },
  REWRAP_FINISHED: { message: 'Rewrap finished', detail: 'The rewrap has already ended and never changes again.' },
  PAYLOAD_TOO_LARGE: { message: 'Payload too large', detail: 'The body exceeds 16 KiB.' },
  UNSUPPORTED_MEDIA_TYPE: { message: 'Unsupported media type', detail: 'The body must be application/json in UTF-8, without a content-encoding.' },
  IDEMPOTENCY_KEY_REUSED: { message: 'Idempotency key reused', detail: 'This Idempotency-Key was used with another request body in the last 24 hours.' },
  RATE_LIMITED: { message: 'Too many requests', detail: 'Try again after Retry-After seconds.' },
  ROTATION_TOO_SOON: { message: 'Rotation too soon', detail: 'The tenant\'s last rotation ended too short a time ago; try again after Retry-After seconds.' },
  HEADERS_TOO_LARGE: { message: 'Request header fields too large', detail: 'The headers exceed 16 KiB.' },
  INTERNAL_ERROR: { message: 'Server error', detail: 'The request could not be completed.' },
  SERVICE_UNAVAILABLE: { message: 'Service unavailable', detail: 'A service this one depends on is away; try again after Retry-After seconds.' },
} as const;

export type ErrorCode = keyof typeof errorTexts;
