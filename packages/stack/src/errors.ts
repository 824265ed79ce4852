export type StackErrorCode =
  | 'POSTGRES_NOT_INSTALLED'
  | 'POSTGRES_FAILED'
  | 'REDIS_NOT_FOUND'
  | 'REDIS_FAILED'
  | 'TOOL_NOT_FOUND'
  | 'KEEPER_FAILED'
  | 'PROCESS_EXITED'
  | 'PROCESS_NOT_READY';

/** What can go wrong in bringing servers and processes up. The message is meant to be read by a person. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly code: StackErrorCode;

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
