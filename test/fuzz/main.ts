/**
 * `npm run fuzz:cipher`: the batch cipher on OpenSSL's addresses against `node:crypto`, record by record, until one
 * differs. `--records 10000000` is what a version of Node must pass before it is put on the list of those tested.
 *
 *     npm run fuzz:cipher -- [--records n] [--seed n] [--bytes-max n]
 *     npm run fuzz:cipher -- --in-passes 100000000
 *
 * The second only re-encrypts, in passes with keys of their own, and tells how much memory the process has meanwhile.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { fuzzCipher } from './cipher-fuzz.ts';
import { reencryptInPasses } from './many-passes.ts';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    'bytes-max': { type: 'string', default: '4096' },
    'in-passes': { type: 'string' },
  },
});
const records = Number(values.records);
const seed = Number(values.seed);
const bytesMax = Number(values['bytes-max']);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const { node, openssl } = process.versions;
say(`Node ${node}, OpenSSL ${openssl}, ${process.platform} ${process.arch}, seed ${seed}`);
const begun = performance.now();
const took = (): string => `${((performance.now() - begun) / 1_000).toFixed(0)} s`;
const tell = (done: number): boolean =>
  say(`${done} records, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);

if (values['in-passes'] === undefined) {
  const every = Math.max(1_000, Math.round(records / 20_000) * 1_000);
  const onThousand = (record: number): void => void (record > 0 && record % every === 0 && tell(record));
  const seen = fuzzCipher({ records, seed, bytesMax, onThousand });
  say(`no difference in ${records} records, ${took()}`);
  say(JSON.stringify(seen));
} else {
  const many = Number(values['in-passes']);
  let next = many / 20;
  reencryptInPasses(many, (done) => {
    if (done < next) return;
    tell(done);
    next += many / 20;
  });
  say(`${many} records were re-encrypted, ${took()}`);
}
