import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spoilsConnection, troubleOf } from '@rekey/jobs';

test('what Redis and the connection say is told apart, also in the words of an older script', () => {
  for (const [said, code, replaced] of [
    ["READONLY You can't write against a read only replica.", 'READ_ONLY', true],
    [
      'ERR Error running script (call to f_abc): @user_script:1: -READONLY You can’t write',
      'READ_ONLY',
      true,
    ],
    [
      'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
      'READ_ONLY',
      true,
    ],
    ['LOADING Redis is loading the dataset in memory', 'LOADING', true],
    ['NOAUTH Authentication required.', 'CREDENTIALS', true],
    ["NOPERM this user has no permissions to run the 'eval' command", 'DENIED', false],
    ["ERR unknown command 'EVAL'", 'DENIED', false],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'FULL', false],
    ['CLUSTERDOWN Hash slot not served', 'CLUSTER_DOWN', false],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'CLUSTER_DOWN', false],
    ["CROSSSLOT Keys in request don't hash to the same slot", 'CROSS_SLOT', false],
    ['connect ECONNREFUSED 127.0.0.1:1', 'AWAY', false],
    ["Stream isn't writeable and enableOfflineQueue options is false", 'AWAY', false],
    ['Command timed out', 'SILENT', false],
    ['ERR something new', 'OTHER', false],
  ] as const) {
    const error = new Error(said);
    assert.equal(troubleOf(error).code, code, said);
    assert.equal(spoilsConnection(error), replaced, said);
  }
  const { message } = troubleOf(new Error("NOPERM this user has no permissions to run the 'eval' command"));
  assert.match(message, /\(EVAL\)$/);
  assert.doesNotMatch(troubleOf(new Error('WRONGPASS hunter2')).message, /hunter2/);
});
