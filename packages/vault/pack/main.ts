/**
 * `npm run pack:library [-- folder]`: the library for applications as one tarball, for Node 22 and later, with neither
 * TypeScript nor this repository: ECMAScript modules, CommonJS and types, and what they use of the other rooms and no
 * more. This and the client are all that is ever built: the repository runs its TypeScript as it is. Prints the tarball's path.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { collectSources, type Sources } from './collect-sources.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const forms = [
  { name: 'esm', type: 'module' },
  { name: 'cjs', type: 'commonjs' },
] as const;

const into = resolve(process.argv[2] ?? join(root, 'dist'));
await mkdir(into, { recursive: true });
await mkdir(join(root, 'dist'), { recursive: true });
// In the repository, so that the compiler finds what the sources import; outside of node_modules, or it would emit nothing.
const folder = await mkdtemp(join(root, 'dist/.pack-'));
try {
  process.stdout.write(`${await pack(folder)}\n`);
} finally {
  await rm(folder, { recursive: true });
}

async function pack(stage: string): Promise<string> {
  const { files, ...needs } = await collectSources(root, 'vault');
  for (const [path, text] of files) await writeInto(join(stage, 'src', path), text);
  const output = join(stage, 'package');
  for (const { name, type } of forms) {
    // By this the compiler tells which form to emit, and Node which one it is.
    const kind = JSON.stringify({ type });
    await writeFile(join(stage, 'package.json'), kind);
    await compile(stage, join(output, name));
    await writeFile(join(output, name, 'package.json'), kind);
  }
  await writeFile(join(output, 'package.json'), JSON.stringify(await manifest(needs), null, 2));
  await writeFile(join(output, 'README.md'), await readme());
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into, output], { cwd: stage });
  const [packed]: Array<{ filename: string }> = JSON.parse(stdout); // npm's own
  return join(into, packed?.filename ?? '');
}

async function compile(stage: string, outDir: string): Promise<void> {
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: false, // CommonJS is emitted from the same imports
      lib: ['es2024', 'esnext.disposable'], // what Node 22 has
      typeRoots: [join(root, 'node_modules/@types')],
      rootDir: join(stage, 'src'),
      outDir,
    },
    files: ['src/vault/index.ts'],
    include: [],
  };
  await writeFile(join(stage, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    await run(process.execPath, [tsc, '--project', stage]);
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    throw new Error(`The library does not compile for Node 22:\n${said}`);
  }
}

async function manifest({ packages, optional }: Omit<Sources, 'files'>): Promise<object> {
  const { name, version } = await readManifest('packages/vault');
  const { description, license } = await readManifest('.');
  const of = (form: string) => ({
    types: `./${form}/vault/index.d.ts`,
    default: `./${form}/vault/index.js`,
  });
  return {
    name,
    version,
    description: `For applications: ${description}`,
    license,
    type: 'module',
    engines: { node: '>=22' },
    main: './cjs/vault/index.js',
    types: './cjs/vault/index.d.ts',
    exports: { '.': { import: of('esm'), require: of('cjs') }, './package.json': './package.json' },
    dependencies: Object.fromEntries(packages),
    peerDependencies: Object.fromEntries(optional),
    peerDependenciesMeta: Object.fromEntries([...optional.keys()].map((name) => [name, { optional: true }])),
  };
}

async function readManifest(at: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(root, at, 'package.json'), 'utf8'));
}

/** Of the repository's: how records are stored. */
async function readme(): Promise<string> {
  const text = await readFile(join(root, 'README.md'), 'utf8');
  const [section] = /^## Storing records[\s\S]*?(?=^## )/m.exec(text) ?? [];
  if (section === undefined) throw new Error('README.md has no section about storing records any more');
  return section.replace('## ', '# ').replace(/\]\((?!http)[^)]*\)/g, ']');
}

async function writeInto(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
