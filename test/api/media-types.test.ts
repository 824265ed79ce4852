import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkError } from './check-error.ts';
import { bearer, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const api = await liveApi();

const other = randomUUID();

test('accept: JSON by name, by wildcard or by silence is served; what excludes it gets 406', async () => {
  const admitted = [
    undefined,
    '',
    '*/*',
    'application/*',
    'application/json',
    'APPLICATION/JSON',
    'text/html, application/json;q=0.1',
    'text/html;q=0.9, */*;q=0.001',
    'application/json; charset=utf-8',
    'application/json;q=1.000',
  ];
  const excluded = [
    'text/html',
    'application/xml',
    'application/json;q=0',
    '*/*;q=0',
    'application/json;q=0, */*',
    'application/*;q=0, */*;q=1',
    'application/jsonp',
    'text/*',
    'application/json;q=7',
    'application/json;q=x',
  ];
  for (const accept of admitted) {
    checkError(
      await api.send(rotateCall(other, { headers: { accept } })),
      'TENANT_NOT_FOUND',
      `accept: ${accept}`,
    );
  }
  for (const accept of excluded) {
    checkError(
      await api.send(rotateCall(other, { headers: { accept } })),
      'NOT_ACCEPTABLE',
      `accept: ${accept}`,
    );
    checkError(
      await api.send({ path: `${rotationsPath}/rot-${other}`, headers: { ...bearer(), accept } }),
      'NOT_ACCEPTABLE',
    );
  }
});

test('content-type: only application/json in UTF-8; anything else, or none, gets 415', async () => {
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; charset = utf8 ;',
    'application/json\t;',
  ]) {
    checkError(
      await api.send(rotateCall(other, { headers: { 'content-type': type } })),
      'TENANT_NOT_FOUND',
      type,
    );
  }
  for (const type of [
    undefined,
    '',
    'text/plain',
    'text/json',
    'application/jsonx',
    'application/json-patch+json',
    'application/json; charset=latin1',
    'application/json; charset=utf-8; charset=utf-16',
    'application/json; charset',
    'application/json; charset=utf-8=utf-8',
    'application/json;;',
    'application/json; odata.metadata=minimal',
    'application/json\u00a0',
    `application/json;${' '.repeat(300)}charset=utf-8`,
    'application/json, application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    ['application/json', 'application/json'],
  ]) {
    checkError(
      await api.send(rotateCall(other, { headers: { 'content-type': type } })),
      'UNSUPPORTED_MEDIA_TYPE',
      String(type),
    );
  }
  const { body: _body, ...withoutBody } = rotateCall(other);
  checkError(await api.send(withoutBody), 'UNSUPPORTED_MEDIA_TYPE', 'no body and no type');
});

test('a body of 16 KiB is read, one byte more gets 413, with or without a length', async () => {
  const padded = (bytes: number): string => JSON.stringify({ tenantId: other }).padEnd(bytes, ' ');
  checkError(await api.send(rotateCall(other, { raw: padded(16_384) })), 'TENANT_NOT_FOUND');
  checkError(await api.send(rotateCall(other, { raw: padded(16_385) })), 'PAYLOAD_TOO_LARGE');
  const chunked = { 'content-length': undefined, 'transfer-encoding': 'chunked' };
  checkError(
    await api.send(rotateCall(other, { raw: padded(16_385), headers: chunked })),
    'PAYLOAD_TOO_LARGE',
  );
  checkError(
    await api.send(rotateCall(other, { raw: padded(16_384), headers: chunked })),
    'TENANT_NOT_FOUND',
  );
});
