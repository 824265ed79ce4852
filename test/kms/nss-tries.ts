/**
 * What is tried with a token of NSS, in a process that begins with its environment: `node nss-tries.ts '{"name": uri}'` writes what came
 * of it as JSON.
 */
import { randomUUID } from 'node:crypto';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { type Kek, KmsError, openKek } from '@rekey/kms';
import { crc32c } from '../harness/fake-gcp-kms.ts';

const uris: Record<string, string> = JSON.parse(String(process.argv[2]));
const [tenantId, dekId] = [randomUUID(), randomUUID()];
const aad = dekWrapAad(tenantId, dekId);

const codeOf = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => 'done',
    (error) => (error instanceof KmsError ? error.code : String(error)),
  );

/** As whoever writes there can have it: with a checksum that fits. */
function altered(wrapped: Buffer, at: number, by: number): Buffer {
  const other = Buffer.from(wrapped);
  other.writeUInt8(other.readUInt8(at) ^ by, at);
  other.writeUInt32BE(crc32c(other.subarray(5)), 1);
  return other;
}

async function tried(kek: Kek, wrapped: Buffer) {
  const codes = new Set<string>();
  // Each costs a login, for which NSS takes its time.
  for (let at = 14; at < wrapped.length; at += wrapped.length > 100 ? 31 : 10)
    codes.add(await codeOf(kek.unwrap(altered(wrapped, at, 1), aad)));
  const ofAnotherTenant = dekWrapAad(randomUUID(), dekId);
  return {
    head: [wrapped.length, wrapped[0]],
    hash: wrapped[5],
    anotherHash: await codeOf(kek.unwrap(altered(wrapped, 5, 1 ^ 2), aad)),
    anotherTenant: await codeOf(kek.unwrap(wrapped, ofAnotherTenant)),
    damaged: [...codes],
  };
}

const told: Record<string, unknown> = {};
for (const [name, uri] of Object.entries(uris)) {
  const kek = await openKek(uri);
  const deks = Array.from({ length: 8 }, () => generateDek());
  const all = await Promise.all(deks.map((dek) => kek.wrap(dek, aad))).catch((error: unknown) => error);
  if (!Array.isArray(all)) {
    told[name] = String(all);
    continue;
  }
  const back = await Promise.all(all.map((one) => kek.unwrap(one, aad)));
  const opens = back.every((one, n) => deks[n]?.equals(one));
  told[name] = { opens, ...(await tried(kek, all[0])) };
  // Also after all that was refused.
  if (!(await kek.unwrap(all[0], aad)).equals(back[0] ?? Buffer.of())) told[name] = 'it opens no more';
  await kek.close();
}
process.stdout.write(JSON.stringify(told));
