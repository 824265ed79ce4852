import assert from 'node:assert/strict';
import { conforms, type ErrorCode, ErrorResponse, errorTable } from '@rekey/contract';
import type { Answer } from './live-api.ts';

/** The whole of an error answer: status, words, shape, headers, and nothing else in it. */
export function checkError(answer: Answer, code: ErrorCode, what = ''): void {
  const { status, message, detail } = errorTable[code];
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.ok(conforms(ErrorResponse, answer.json), `${what}: not the shape of an error: ${answer.text}`);
  assert.equal(answer.json.error.code, code, what);
  assert.equal(answer.json.message, message);
  assert.equal(answer.json.error.detail, detail);
  assert.equal(answer.headers['x-request-id'], answer.json.requestId);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  assert.ok(Math.abs(Date.parse(answer.json.timestamp) - Date.now()) < 60_000);
  assert.doesNotMatch(
    answer.text,
    /node_modules|\.ts:|select |insert |FST_|SQLSTATE/i,
    'nothing of the inside',
  );
}
