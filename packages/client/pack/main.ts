/**
 * `npm run pack:client [-- folder]`: the typed client as one tarball, for Node 22 and later and for browsers: ECMAScript
 * modules with types, which import nothing but each other. Prints the tarball's path.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const into = resolve(process.argv[2] ?? join(root, 'dist'));
await mkdir(into, { recursive: true });
await mkdir(join(root, 'dist'), { recursive: true });
const stage = await mkdtemp(join(root, 'dist/.pack-'));
try {
  process.stdout.write(`${await pack()}\n`);
} finally {
  await rm(stage, { recursive: true });
}

async function pack(): Promise<string> {
  const output = join(stage, 'package');
  await compile(join(output, 'esm'));
  await writeFile(join(output, 'package.json'), JSON.stringify(await manifest(), null, 2));
  await writeFile(join(output, 'README.md'), await readme());
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', into, output], { cwd: stage });
  const [packed]: Array<{ filename: string }> = JSON.parse(stdout); // npm's own
  return join(into, packed?.filename ?? '');
}

async function compile(outDir: string): Promise<void> {
  const source = join(root, 'packages/client/src');
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      // What Node 22 and browsers have, and nothing that only Node has.
      lib: ['es2024', 'dom', 'dom.iterable', 'dom.asynciterable'],
      types: [],
      rootDir: source,
      outDir,
    },
    files: [join(source, 'index.ts')],
    include: [],
  };
  await writeFile(join(stage, 'tsconfig.json'), JSON.stringify(settings));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    await run(process.execPath, [tsc, '--project', stage]);
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    throw new Error(`The client does not compile without Node:\n${said}`);
  }
}

async function manifest(): Promise<object> {
  const { name, version } = await readManifest('packages/client');
  const { license } = await readManifest('.');
  return {
    name,
    version,
    description: "Typed client of Rekey's HTTP API.",
    license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=22' },
    exports: {
      '.': { types: './esm/index.d.ts', default: './esm/index.js' },
      './package.json': './package.json',
    },
  };
}

async function readManifest(at: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(root, at, 'package.json'), 'utf8'));
}

/** Of the page about the API: how it is called from TypeScript. */
async function readme(): Promise<string> {
  const text = await readFile(join(root, 'docs/http.md'), 'utf8');
  const [section] = /^## The client[\s\S]*?(?=^## )/m.exec(text) ?? [];
  if (section === undefined) throw new Error('docs/http.md has no section about the client any more');
  return section.replace('## The client', '# @rekey/client').replace(/\]\((?!http)[^)]*\)/g, ']');
}
