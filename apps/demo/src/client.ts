import {
  conforms,
  ErrorResponse,
  RotateResponse,
  type Rotation,
  RotationResponse,
  type StartedRotation,
} from '@rekey/contract';
import { DemoError } from './demo-error.ts';
import { tenantId } from './records.ts';

const timeoutMs = 10_000;

/** The two calls of the contract, as any client makes them. Throws `CALL_REFUSED`. */
export interface RotationClient {
  rotate(): Promise<StartedRotation>;
  status(rotationId: string): Promise<Rotation>;
}

export function createRotationClient(apiUrl: string, token: string): RotationClient {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'x-tenantid': tenantId };
  return {
    async rotate() {
      const call = {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ tenantId }),
      };
      return (await send(`${apiUrl}/api/v1/admin/dek/rotate`, call, isRotateResponse)).data;
    },
    async status(rotationId) {
      const url = `${apiUrl}/api/v1/admin/dek/rotations/${rotationId}`;
      return (await send(url, { headers }, isRotationResponse)).data;
    },
  };
}

const isRotateResponse = (body: unknown): body is RotateResponse => conforms(RotateResponse, body);
const isRotationResponse = (body: unknown): body is RotationResponse => conforms(RotationResponse, body);

async function send<Body>(
  url: string,
  call: RequestInit,
  isExpected: (body: unknown) => body is Body,
): Promise<Body> {
  const { method = 'GET' } = call;
  const where = `${method} ${new URL(url).pathname}`;
  let answer: Response;
  let body: unknown;
  try {
    answer = await fetch(url, { ...call, signal: AbortSignal.timeout(timeoutMs) });
    body = await answer.json();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DemoError('CALL_REFUSED', `${where} got no answer (${reason}).`);
  }
  if (answer.ok && isExpected(body)) return body;
  const told = conforms(ErrorResponse, body)
    ? `${body.message}. ${body.error.detail}`
    : 'not as in the contract.';
  throw new DemoError('CALL_REFUSED', `${where} answered ${answer.status}: ${told}`);
}
