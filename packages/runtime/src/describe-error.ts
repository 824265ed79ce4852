/** What may be told of an error. Foreign messages may quote a statement, a URL with a password or a token. */
export interface ErrorDescription {
  readonly type: string;
  readonly code?: string;
  /** Only of errors of ours. */
  readonly message?: string;
  /** Where it was thrown: function names and places, without the message. */
  readonly at?: readonly string[];
  readonly cause?: ErrorDescription;
}

const framesMax = 8;
const causesMax = 3;

export function describeError(
  error: unknown,
  ourErrors: ReadonlyArray<new (...args: never[]) => Error>,
  depth = 0,
): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error };
  const ours = ourErrors.some((ourError) => error instanceof ourError);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const at = framesOf(error);
  return {
    type: error.constructor.name.slice(0, 64),
    ...(code !== undefined && /^[A-Za-z0-9_.-]{1,64}$/.test(code) ? { code } : {}),
    ...(ours ? { message: error.message.slice(0, 500) } : {}),
    ...(at.length > 0 ? { at } : {}),
    ...(error.cause !== undefined && depth < causesMax
      ? { cause: describeError(error.cause, ourErrors, depth + 1) }
      : {}),
  };
}

/** V8 puts the message in front of the frames; a message that cannot be cut off exactly takes the frames with it. */
function framesOf(error: Error): string[] {
  const { stack, message } = error;
  if (stack === undefined) return [];
  const start = message === '' ? stack.indexOf('\n') : stack.indexOf(message) + message.length;
  if (start < message.length) return [];
  return stack
    .slice(start)
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, framesMax)
    .map((line) => line.trim().slice(3, 200));
}
