import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installation } from '../harness/installation.ts';
import { signingKeyUri } from '../harness/signing-key.ts';
import { tool } from '../harness/tool.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'rekey-samples-'));
after(() => rm(folder, { recursive: true, force: true }));
const rekey = await installation({ workerEnv: { SIGNING_KEY_URI: await signingKeyUri() } });

/** In the order of the page, each with what has to be on the machine. */
const samples = [
  { language: 'sh', title: 'curl', needs: ['curl', '--version'], file: 'sh', args: [] },
  {
    language: 'ts',
    title: 'TypeScript',
    needs: [process.execPath, '--version'],
    file: process.execPath,
    args: [],
  },
  { language: 'python', title: 'Python', needs: ['python3', '--version'], file: 'python3', args: [] },
  { language: 'go', title: 'Go', needs: ['go', 'version'], file: 'go', args: ['run'] },
] as const;
const endings = { sh: 'sh', ts: 'ts', python: 'py', go: 'go' } as const;

// Before any test is made: the run is taken to be over when the tests made so far are.
const debians = await tool('go');
const there = await Promise.all(
  samples.map(async (sample) => {
    const [program, ...version] = sample.needs;
    const skip = await run(program, version).then(
      () => false as const,
      () => `there is no ${program} on this machine`,
    );
    if (skip === false || sample.language !== 'go') return { ...sample, skip, env: {} };
    if (debians.skip !== false) return { ...sample, skip: debians.skip, env: {} };
    return { ...sample, file: debians.programs.go, skip: false as const, env: debians.env };
  }),
);
/**
 * Nothing is fetched, nothing is left in the home of whoever tests, and no C is compiled. What is compiled stays beside the tools: the
 * standard library takes 73 s of a processor, once for each clone.
 */
const goEnv = {
  GOCACHE: join(root, 'node_modules/.cache/rekey/go-build'),
  GOPATH: join(folder, 'go'),
  GO111MODULE: 'off',
  GOPROXY: 'off',
  GOTOOLCHAIN: 'local',
  CGO_ENABLED: '0',
  GOFLAGS: '-p=2',
};

test('docs/samples.md shows the samples as they are run', async () => {
  const page = await readFile(join(root, 'docs/samples.md'), 'utf8');
  const shown = [...page.matchAll(/^## (.+)\n\n```(\w+)\n([\s\S]*?)^```$/gm)].map(([, ...parts]) => parts);
  const files = samples.map(async ({ title, language }) => {
    const text = await readFile(join(root, `examples/api/rotate.${endings[language]}`), 'utf8');
    return [title, language, text];
  });
  assert.deepEqual(shown, await Promise.all(files));
});

for (const { title, language, file, args, skip, env: of } of there)
  test(`the sample for ${title} rotates, follows, waits and has the certificate`, { skip }, async () => {
    const { tenantId } = await rekey.seedTenant(34);
    const sample = join(root, `examples/api/rotate.${endings[language]}`);
    const where = { URL: rekey.apis[0]?.url ?? '', TOKEN: rekey.token, TENANT: tenantId };
    const env = { ...process.env, ...(language === 'go' ? goEnv : {}), ...of, ...where };
    const { stdout, stderr } = await run(file, [...args, sample], { env, cwd: folder, timeout: 400_000 });
    if (language === 'go') assert.equal((await run(file, ['vet', sample], { env, cwd: folder })).stderr, '');
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /^started rot-[0-9a-f-]{36}\n([a-z]+ [0-9.]+ %\n)+ended completed\ncertificate application\/vnd\.in-toto\+json\n$/,
    );
    const certificate = JSON.parse(await readFile(join(folder, 'certificate.json'), 'utf8'));
    const statement = Buffer.from(certificate.payload, 'base64').toString();
    assert.ok(statement.includes(/rot-[0-9a-f-]{36}/.exec(stdout)?.[0] ?? 'none'), statement);
    await rm(join(folder, 'certificate.json'));
    assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  });
