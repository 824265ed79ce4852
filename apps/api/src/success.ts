/** As much of an answer of the contract as every success has. */
interface Success {
  readonly success: true;
  readonly message: string;
  readonly data: unknown;
  readonly timestamp: string;
}

/** What surrounds every answer that is no error; its schema is the contract's `answer`. */
export function success<Response extends Success>(
  message: Response['message'],
  data: Response['data'],
  at = new Date(),
): Pick<Response, 'message' | 'data'> & Pick<Success, 'success' | 'timestamp'> {
  return { success: true, message, data, timestamp: at.toISOString() };
}

/** The same as text, around data that are JSON already. */
export function renderSuccess(message: string, data: string): string {
  return `{"success":true,"message":${JSON.stringify(message)},"data":${data},"timestamp":"${new Date().toISOString()}"}`;
}
