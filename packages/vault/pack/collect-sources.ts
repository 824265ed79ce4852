import { readFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';

export interface Sources {
  /** Texts by their paths: room, then as below its `src`. Rooms import each other by relative paths. */
  readonly files: ReadonlyMap<string, string>;
  /** What they import from elsewhere, with the versions that their rooms have. */
  readonly packages: ReadonlyMap<string, string>;
  /** Likewise, where the room leaves it to its user whether it is there: what only one provider takes. */
  readonly optional: ReadonlyMap<string, string>;
}

/** `import { a, type b } from '…'`, `export … from '…'` and `import('./…')`, as biome formats them. */
const statement = /^(import|export)( type)? (\{[^}]*\}|\* as \w+|\*) from '([^']+)';$/gm;
const onDemand = /\bimport\('(\.[^']+)'\)/g;

/**
 * All that a room's front door leads to. Through the front door of another room each name leads straight to the file
 * that has it: what a room does besides is not taken along, nor are the packages that it does it with.
 */
export async function collectSources(root: string, room: string): Promise<Sources> {
  const files = new Map<string, string>();
  const packages = new Map<string, string>();
  const optional = new Map<string, string>();
  const doors = new Map<string, Map<string, string>>();
  const waiting = [`${room}/index.ts`];

  const read = (path: string): Promise<string> => {
    const [of = '', ...rest] = path.split('/');
    return readFile(join(root, 'packages', of, 'src', ...rest), 'utf8');
  };

  /** The names that a file of a room lets through, and the file of each, below the room. */
  const readDoor = async (other: string, file: string): Promise<Map<string, string>> => {
    const text = await read(`${other}/${file}`);
    const door = new Map([...text.matchAll(own)].map(([, name = '']): [string, string] => [name, file]));
    for (const [, names = '', from = ''] of text.matchAll(led)) {
      const leads = posix.join(dirname(file), from);
      const through: Iterable<[string, string]> =
        names === '*'
          ? await readDoor(other, leads)
          : namesIn(names).map((name) => [publicName(name), leads]);
      for (const [name, at] of through) if (!door.has(name)) door.set(name, at);
    }
    return door;
  };

  const fileOf = async (other: string, name: string): Promise<string> => {
    const door = doors.get(other) ?? (await readDoor(other, 'index.ts'));
    doors.set(other, door);
    const file = door.get(name);
    if (file === undefined) throw new Error(`${name} does not come through the front door of ${other}`);
    return posix.join(other, file);
  };

  const rewrite = async (path: string, found: RegExpMatchArray): Promise<string> => {
    const [whole, keyword = '', type = '', names = '', from = ''] = found;
    if (from.startsWith('node:')) return whole;
    if (from.startsWith('.')) {
      waiting.push(posix.join(dirname(path), from));
      return whole;
    }
    const [, other] = /^@rekey\/([a-z-]+)$/.exec(from) ?? [];
    if (other === undefined) {
      const { version, isOptional } = await dependencyOf(root, path.split('/')[0] ?? '', from);
      (isOptional ? optional : packages).set(from, version);
      return whole;
    }
    const lines: string[] = [];
    for (const name of namesIn(names)) {
      const file = await fileOf(other, sourceName(name));
      waiting.push(file);
      const way = posix.relative(dirname(path), file);
      lines.push(`${keyword}${type} { ${name} } from '${way.startsWith('.') ? way : `./${way}`}';`);
    }
    return lines.join('\n');
  };

  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path)) continue;
    let text = await read(path);
    for (const [, file = ''] of text.matchAll(onDemand)) waiting.push(posix.join(dirname(path), file));
    for (const found of [...text.matchAll(statement)]) {
      text = text.replace(found[0], await rewrite(path, found));
    }
    if (/from '@rekey\/|import\.meta/.test(text)) throw new Error(`${path} has what cannot be packed`);
    files.set(path, text);
  }
  return { files, packages, optional };
}

/** What a file has itself, instead of leading to it. */
const own =
  /^export (?:declare |abstract |async )*(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm;

/** `export { a, type b } from './…'` and `export * from './…'`. */
const led = /^export(?: type)? (\{[^}]*\}|\*) from '(\.[^']+)';$/gm;

function namesIn(list: string): string[] {
  return list
    .replace(/[{}]/g, '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Of `type a as b`, in an import: `a`. */
function sourceName(name: string): string {
  return name.replace(/^type /, '').replace(/ as .*$/, '');
}

/** Of `type a as b`, in an export: `b`. */
function publicName(name: string): string {
  return name.replace(/^type /, '').replace(/^.* as /, '');
}

async function dependencyOf(
  root: string,
  room: string,
  name: string,
): Promise<{ version: string; isOptional: boolean }> {
  const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(
    await readFile(join(root, 'packages', room, 'package.json'), 'utf8'),
  );
  const needed = manifest.dependencies?.[name];
  const version = needed ?? manifest.peerDependencies?.[name] ?? manifest.optionalDependencies?.[name];
  if (version === undefined) throw new Error(`packages/${room} imports ${name} without depending on it`);
  return { version, isOptional: needed === undefined };
}
