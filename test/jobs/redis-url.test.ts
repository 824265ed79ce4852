import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRedisUrl } from '@rekey/jobs';

const one = { kind: 'single', tls: false, credentials: {}, master: '', db: 0 };

for (const [url, parsed] of [
  ['redis://host', { ...one, nodes: [{ host: 'host', port: 6_379 }] }],
  ['redis://host:7000/3', { ...one, nodes: [{ host: 'host', port: 7_000 }], db: 3 }],
  ['redis://host/', { ...one, nodes: [{ host: 'host', port: 6_379 }] }],
  ['rediss://[::1]:6380', { ...one, tls: true, nodes: [{ host: '::1', port: 6_380 }] }],
  [
    'redis://ada:p%40ss%2Fword%3A@host:6379',
    {
      ...one,
      credentials: { username: 'ada', password: 'p@ss/word:' },
      nodes: [{ host: 'host', port: 6_379 }],
    },
  ],
  [
    'redis://:secret@host',
    { ...one, credentials: { password: 'secret' }, nodes: [{ host: 'host', port: 6_379 }] },
  ],
  [
    'redis+sentinel://:secret@a,b:26380,[::1]/mymaster/2',
    {
      ...one,
      kind: 'sentinel',
      credentials: { password: 'secret' },
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 26_380 },
        { host: '::1', port: 26_379 },
      ],
      master: 'mymaster',
      db: 2,
    },
  ],
  [
    'rediss+cluster://a:7001,b:7002',
    {
      ...one,
      kind: 'cluster',
      tls: true,
      nodes: [
        { host: 'a', port: 7_001 },
        { host: 'b', port: 7_002 },
      ],
    },
  ],
] as const)
  test(`${url.replace(/\/\/.*@/, '//…@')} is understood`, () => assert.deepEqual(parseRedisUrl(url), parsed));

test('anything else is refused in words that do not repeat the password', () => {
  for (const url of [
    '',
    'host:6379',
    'http://:hidden@host',
    'redis://:hidden@',
    'redis://:hidden@a,b',
    'redis://:hidden@host/x',
    'redis://:hidden@host/-1',
    'redis://:hidden@host/1/2',
    'redis://:hidden@host:port',
    'redis://:hidden@host:1234567',
    'redis+sentinel://:hidden@host',
    'redis+sentinel://:hidden@host/',
    'redis+other://:hidden@host',
    'redis://:hidden@ho]st',
  ])
    assert.throws(
      () => parseRedisUrl(url),
      (error) => error instanceof TypeError && !error.message.includes('hidden'),
      url,
    );
});
