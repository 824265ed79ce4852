import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** As the image has it. */
const us = { uid: 1000, gid: 1000 };
const key = 'a1'.repeat(32);
const kms = fileURLToPath(new URL('../../packages/kms/src/index.ts', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rekey-kms-'));
await chmod(folder, 0o755);
after(() => rm(folder, { recursive: true, force: true }));

/** Opens each path as a KEK, in a process of uid 1000 of its own; what came of it, by path. */
function openAsUs(paths: readonly string[], before: readonly string[] = []): Record<string, string> {
  const program = `const { openKek } = await import(${JSON.stringify(kms)});
    const found = {};
    for (const path of ${JSON.stringify(paths)})
      found[path] = await openKek('local:' + path).then(() => 'opens', (e) => e.code + ': ' + e.message);
    console.log(JSON.stringify(found));`;
  const [file = '', ...args] = [...before, process.execPath, '--input-type=module', '-e', program];
  const user = before.length === 0 ? us : {};
  const { stdout, stderr } = spawnSync(file, args, { ...user, encoding: 'utf8', timeout: 60_000 });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

/** As kubelet lays a volume out: the file behind two symbolic links. */
async function volume(at: string, uid: number, gid: number, mode: number): Promise<string> {
  const own = await mkdtemp(join(at, 'volume-'));
  await chmod(own, 0o777);
  await mkdir(join(own, '..2026_11_28'));
  await symlink('..2026_11_28', join(own, '..data'));
  await symlink('..data/kek', join(own, 'kek'));
  const file = join(own, '..2026_11_28', 'kek');
  await writeFile(file, key);
  await chown(file, uid, gid);
  await chmod(file, mode);
  return join(own, 'kek');
}

const asRoot = { skip: process.getuid?.() !== 0 || process.platform !== 'linux' };

type Row = readonly [what: string, uid: number, gid: number, mode: number, outcome: RegExp];

test(
  'on a disk: what its owner, or a group of the process alone, can read and not write',
  asRoot,
  async () => {
    const rows: readonly Row[] = [
      ['a file of ours', 1000, 1000, 0o400, /^opens$/],
      ['a file of ours', 1000, 1000, 0o600, /^opens$/],
      ['Kubernetes with defaultMode 0400 and fsGroup', 0, 1000, 0o440, /^opens$/],
      ['root:group, as on many hosts', 0, 1000, 0o640, /^opens$/],
      ['ours, read by our group', 1000, 1000, 0o640, /^opens$/],
      ['ours, read by a foreign group', 1000, 4711, 0o440, /^DENIED: .*its group \(4711\).*440.*chmod 600/],
      ['of root alone', 0, 0, 0o400, /^DENIED: .*not accessible to this user/],
      ['of another group alone', 0, 4711, 0o440, /^DENIED: .*not accessible to this user/],
      ['written by our group', 0, 1000, 0o460, /^DENIED: .*can write it \(mode 0460\)/],
      ['written by others', 1000, 1000, 0o602, /^DENIED: .*can write it \(mode 0602\)/],
      [
        'read by everybody',
        0,
        1000,
        0o644,
        /^DENIED: .*everybody can read it \(mode 0644\).*mount it as a secret/,
      ],
      ['read by everybody', 0, 0, 0o444, /^DENIED: .*everybody can read it \(mode 0444\)/],
      ['read by others only', 1000, 1000, 0o404, /^DENIED: .*everybody can read it/],
    ];
    const paths = await Promise.all(rows.map(([, uid, gid, mode]) => volume(folder, uid, gid, mode)));
    const found = openAsUs(paths);
    for (const [index, path] of paths.entries()) {
      const [what, , , mode, outcome] = rows[index] ?? assert.fail();
      assert.match(found[path] ?? '', outcome, `${what}, ${mode.toString(8)}`);
      assert.doesNotMatch(found[path] ?? '', /\n|a1a1/);
    }
  },
);

/** In mounts of a namespace of its own, which go with the process: nothing of them is left. */
function inMounts(script: string, paths: readonly string[]): Record<string, string> {
  return openAsUs(paths, [
    'unshare',
    '--mount',
    'sh',
    '-ec',
    `${script}; exec setpriv --reuid 1000 --regid 1000 --clear-groups "$@"`,
    'sh',
  ]);
}
const canMount =
  spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /mnt && setpriv --version']).status ===
  0;
const withMounts = { skip: asRoot.skip || !canMount };

test('in memory: what everybody can read, as Swarm, Podman and Kubernetes mount it', withMounts, async () => {
  const at = join(folder, 'secrets');
  await mkdir(at);
  const make = (name: string, mode: string): string =>
    `printf ${key} > ${at}/${name}; chown 0:0 ${at}/${name}; chmod ${mode} ${at}/${name}`;
  const found = inMounts(
    [`mount -t tmpfs tmpfs ${at}`, make('swarm', '444'), make('kubernetes', '644'), make('open', '666')].join(
      '; ',
    ),
    [`${at}/swarm`, `${at}/kubernetes`, `${at}/open`],
  );
  assert.equal(found[`${at}/swarm`], 'opens');
  assert.equal(found[`${at}/kubernetes`], 'opens');
  assert.match(found[`${at}/open`] ?? '', /^DENIED: .*can write it \(mode 0666\)/);
});

test('in memory, but where everybody goes: refused', withMounts, async () => {
  const found = inMounts(
    `mount -t tmpfs tmpfs /dev/shm; printf ${key} > /dev/shm/kek; chmod 444 /dev/shm/kek`,
    ['/dev/shm/kek'],
  );
  assert.match(found['/dev/shm/kek'] ?? '', /^DENIED: .*everybody can read it/);
});

test(
  'mounted read-only: what everybody can read, whatever the modes say of writing',
  withMounts,
  async () => {
    const [disk, bound, link] = [join(folder, 'disk'), join(folder, 'bound'), join(folder, 'link')];
    await mkdir(disk);
    await mkdir(bound);
    for (const mode of [0o444, 0o664, 0o666]) {
      const file = join(disk, mode.toString(8));
      await writeFile(file, key);
      await chmod(file, mode);
    }
    await symlink(join(disk, '444'), link); // judged where it leads to, and that is no mount
    const paths = ['444', '664', '666'].map((name) => join(bound, name));
    const found = inMounts(`mount --bind ${disk} ${bound}; mount -o remount,bind,ro ${bound}`, [
      ...paths,
      link,
    ]);
    assert.deepEqual(
      paths.map((path) => found[path]),
      ['opens', 'opens', 'opens'],
    );
    assert.match(found[link] ?? '', /^DENIED: .*everybody can read it/);
  },
);
